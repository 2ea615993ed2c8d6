// Evaluates IAM policies as AWS does, offline. In, as JSON: {account, requests: [{principal, action, resource, context,
// identity: [policy, ...], resourcePolicy?}]}. Out: one of "Allowed", "ImplicitlyDenied", "ExplicitlyDenied" a request.
import { runSimulation } from '@cloud-copilot/iam-simulate'

const read = async (stream) => {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

const { account, requests } = JSON.parse(await read(process.stdin))

const decide = async ({ principal, action, resource, context, identity, resourcePolicy }) => {
  const simulation = {
    request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
    identityPolicies: identity.map((policy, n) => ({ name: `p${n}`, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(resourcePolicy && { resourcePolicy }),
  }
  const told = await runSimulation(simulation, {})
  if (told.resultType === 'error') throw new Error(JSON.stringify(told.errors))
  // A key that the simulator does not know would be dropped unseen, and its condition would mean nothing.
  const ignored = told.resultType === 'single' ? (told.result.ignoredContextKeys ?? []) : []
  if (ignored.length > 0) throw new Error(`${action}: keys were ignored: ${ignored}`)
  return told.overallResult
}

const results = []
for (const request of requests) results.push(await decide(request))
process.stdout.write(JSON.stringify(results))
