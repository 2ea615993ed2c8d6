// A certified OpenID provider on the loopback, for tests: oidc-provider over plain HTTP.
//
//     node server.mjs < {"port": 0, "clients": [...], "users": {...}}   → {"issuer": "http://127.0.0.1:PORT"}
//     node server.mjs FILE                                              the same from a file, until it is stopped
//
// `clients` are oidc-provider's client metadata. `users`: claims by user name; `amr` and `acr` among them say how the
// user signs in. Whoever names a user is that user: there are no passwords.
//
//     PUT  /control/user         {"name", "claims"}                      adds or replaces a user; null claims remove one
//     PUT  /control/client       client metadata                         adds or replaces a client
//     POST /control/rotate       {"alg": "RS256", "keep": true}          a new signing key, the old one published or not
//     POST /control/mint         {"how", "header", "claims"}             a token; `how` see below
//     GET  /control/logouts                                              logout tokens sent to /control/logout
//
// It ends with its standard input, so that no test leaves it behind.

import { createHmac, createPublicKey, createSign, constants, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const KEYS = {
  RS256: ["rsa", { modulusLength: 2048 }],
  PS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  ES384: ["ec", { namedCurve: "P-384" }],
  EdDSA: ["ed25519", {}],
};

function newKey(alg) {
  const { privateKey } = generateKeyPairSync(...KEYS[alg]);
  return { privateKey, jwk: { ...privateKey.export({ format: "jwk" }), alg, use: "sig", kid: randomUUID() } };
}

function signed(alg, key, message) {
  const data = Buffer.from(message);
  switch (alg) {
    case "RS256":
      return createSign("sha256").update(data).sign(key);
    case "PS256":
      return sign("sha256", data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
    case "ES256":
      return sign("sha256", data, { key, dsaEncoding: "ieee-p1363" });
    case "ES384":
      return sign("sha384", data, { key, dsaEncoding: "ieee-p1363" });
    default:
      return sign(null, data, key);
  }
}

// `signed`: by the provider's own key. `foreign`: by another key under the same name. `none`: not at all.
// `hs256`: with the public key as a shared secret.
function mint({ how, header = {}, claims }) {
  const { jwk, privateKey } = keys[0];
  const algs = { none: "none", hs256: "HS256" };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const message = `${part({ alg: algs[how] ?? jwk.alg, kid: jwk.kid, typ: "JWT", ...header })}.${part(claims)}`;
  const pem = () => createPublicKey(privateKey).export({ type: "spki", format: "pem" });
  const signatures = {
    none: () => Buffer.alloc(0),
    hs256: () => createHmac("sha256", pem()).update(message).digest(),
    foreign: () => signed(jwk.alg, newKey(jwk.alg).privateKey, message),
    signed: () => signed(jwk.alg, privateKey, message),
  };
  return `${message}.${signatures[how]().toString("base64url")}`;
}

// Whoever names no other address is told here of sessions that end.
const toldOfLogout = (client) => ({ backchannel_logout_uri: `${issuer}/control/logout`, backchannel_logout_session_required: true, ...client });
const algOf = (client) => ({ id_token_signed_response_alg: keys[0].jwk.alg, ...client });

function provider(issuer) {
  const made = new Provider(issuer, {
    clients: clients.map(algOf),
    jwks: { keys: keys.map((key) => key.jwk) },
    claims: {
      openid: ["sub", "amr", "acr", "auth_time"],
      profile: ["name", "groups", "roles"],
      email: ["email", "email_verified"],
      groups: ["groups"],
    },
    // As the big providers do: all of it in the ID token.
    conformIdTokenClaims: false,
    cookies: { keys: ["for tests alone"] },
    enabledJWA: { idTokenSigningAlgValues: Object.keys(KEYS) },
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: true },
    },
    // Its own guard lets nothing go to the loopback, where these tests live.
    fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
    findAccount: (_, id) => users[id] && { accountId: id, claims: () => ({ sub: id, ...users[id], amr: undefined, acr: undefined }) },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, Session: 3600 },
  });
  made.on("server_error", (_, error) => process.stderr.write(`${error.stack}\n`));
  return made;
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function sendPage(request, response) {
  const { prompt, uid } = await current.interactionDetails(request, response);
  const names = Object.keys(users).join(", ");
  const field = prompt.name === "login" ? `<p><label>Name (one of ${names}) <input name="login" autofocus></label></p>` : "";
  const title = prompt.name === "login" ? "Sign in to the local identity provider" : "Let Countersign know who you are?";
  const form = `<form method="post" action="/interaction/${uid}">${field}<button>${prompt.name === "login" ? "Sign in" : "Allow"}</button></form>`;
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(`<!doctype html><html lang="en"><title>${title}</title><body style="font:1.1rem system-ui;margin:12vh auto;max-width:32rem"><h1>${title}</h1>${form}`);
}

async function takeForm(request, response) {
  const { prompt, params, session, grantId } = await current.interactionDetails(request, response);
  const form = new URLSearchParams(await body(request));
  let result;
  if (prompt.name === "login") {
    const name = form.get("login");
    const user = users[name];
    result = user
      ? { login: { accountId: name, amr: user.amr, acr: user.acr } }
      : { error: "access_denied", error_description: "no such user" };
  } else {
    const grant = grantId
      ? await current.Grant.find(grantId)
      : new current.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    result = { consent: { grantId: await grant.save() } };
  }
  await current.interactionFinished(request, response, result, { mergeWithLastSubmission: prompt.name !== "login" });
}

const controls = {
  "PUT /control/user": ({ name, claims }) => {
    if (claims) users[name] = claims;
    else delete users[name];
  },
  "PUT /control/client": (client) => {
    clients = [...clients.filter((one) => one.client_id !== client.client_id), toldOfLogout(client)];
    current = provider(issuer);
  },
  "POST /control/rotate": ({ alg = "RS256", keep = true }) => {
    keys = [newKey(alg), ...(keep ? keys : [])];
    current = provider(issuer);
    return { kid: keys[0].jwk.kid };
  },
  "POST /control/mint": (wanted) => ({ token: mint(wanted) }),
  "GET /control/logouts": () => logouts,
};

async function serve(request, response) {
  const [path] = request.url.split("?");
  const control = controls[`${request.method} ${path}`];
  if (control) {
    const text = await body(request);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(control(text ? JSON.parse(text) : {}) ?? {}));
  } else if (path === "/control/logout") {
    logouts.push(new URLSearchParams(await body(request)).get("logout_token"));
    response.end();
  } else if (path.startsWith("/interaction/")) {
    await (request.method === "POST" ? takeForm(request, response) : sendPage(request, response));
  } else {
    await current.callback()(request, response);
  }
}

function fromInput() {
  process.stdin.on("end", () => process.exit(0));
  let input = "";
  return new Promise((resolve) => {
    process.stdin.on("data", (part) => {
      input += part;
      const [line, rest] = input.split("\n");
      if (rest !== undefined) resolve(JSON.parse(line));
    });
  });
}

const [, , file] = process.argv;
const given = file ? JSON.parse(readFileSync(file)) : await fromInput();

let { clients } = given;
const { users } = given;
const logouts = [];
let keys = [newKey("RS256")];
let current;
const server = createServer((request, response) => {
  serve(request, response).catch((error) => {
    response.statusCode = 500;
    response.end(error.stack);
  });
});
await new Promise((resolve) => server.listen(given.port ?? 0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;
clients = clients.map(toldOfLogout);
current = provider(issuer);
process.stdout.write(`${JSON.stringify({ issuer })}\n`);
