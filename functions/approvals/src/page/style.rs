//! The style of all pages, by whose digest browsers are told that it is ours. Contrasts are those of WCAG 2.2, level AA, at least.

/// Light and dark, from 320 pixels up.
pub const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1b1f;--soft:#4b4d55;--line:#8a8c95;--box:#f3f4f8;--go:#0b57d0;--on:#fff;--no:#b3261e;--onno:#fff;--mark:#5c3b00;--markbg:#ffefc9}\
@media(prefers-color-scheme:dark){:root{--bg:#121316;--fg:#e8e8ec;--soft:#b9bbc4;--line:#83858e;--box:#1e2025;--go:#a8c7fa;--on:#062e6f;--no:#f2b8b5;--onno:#601410;--mark:#ffdf99;--markbg:#4a3200}}\
*{box-sizing:border-box}\
body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);overflow-wrap:anywhere}\
header,main,footer{max-width:52rem;margin:0 auto;padding:0 1rem}\
header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;justify-content:space-between;padding-top:1rem}\
footer{padding-bottom:2rem;color:var(--soft)}\
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;margin:0;padding:0}\
h1{font-size:1.5rem;line-height:1.25;margin:1.25rem 0 .5rem}h2{font-size:1.15rem;margin:1.75rem 0 .5rem}h3{font-size:1rem;margin:1rem 0 .25rem}\
a{color:var(--go)}a,button,input,textarea,select,summary{border-radius:.3rem}\
:focus-visible{outline:3px solid var(--go);outline-offset:2px}\
.skip{position:absolute;left:-999rem}.skip:focus{left:1rem;top:.5rem;background:var(--bg);padding:.5rem}\
dl{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.25rem 1rem;margin:.5rem 0}dt{color:var(--soft)}dd{margin:0;min-width:0;white-space:pre-wrap;overflow-wrap:anywhere}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--box);border:1px solid var(--line);border-radius:.4rem;padding:.75rem;margin:.5rem 0;font:.95rem/1.55 ui-monospace,monospace}\
code{font:.95em ui-monospace,monospace}\
.odd{background:var(--no);color:var(--onno);border-radius:.2rem;padding:0 .15rem;font-weight:600}\
.alike{background:var(--markbg);color:var(--mark);text-decoration:underline wavy;border-radius:.2rem}\
.hid{background:var(--box);border:1px dashed var(--line);border-radius:.2rem;padding:0 .2rem;color:var(--soft)}\
.box{border:1px solid var(--line);border-left:.3rem solid var(--go);border-radius:.4rem;padding:.5rem .9rem;margin:.75rem 0;background:var(--box)}\
.box p,ul.plain p{margin:.35rem 0}\
.warn{border-left-color:var(--no)}.soft{color:var(--soft)}\
ul.plain{list-style:none;margin:.5rem 0;padding:0}ul.plain>li{border:1px solid var(--line);border-radius:.4rem;padding:.6rem .8rem;margin:.5rem 0}\
.diff dt{color:var(--fg);font-weight:600}\
label{display:block;margin:.75rem 0 .25rem}label.one{display:flex;gap:.6rem;align-items:flex-start}\
input[type=checkbox]{width:1.4rem;height:1.4rem;flex:none;accent-color:var(--go)}\
input[type=text],input[type=datetime-local],textarea,select{width:100%;font:inherit;color:var(--fg);background:var(--bg);border:1px solid var(--line);padding:.5rem}\
textarea{min-height:5rem}\
.acts{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0}\
button{font:inherit;min-height:2.75rem;padding:.55rem 1.3rem;border:2px solid var(--go);background:var(--go);color:var(--on);cursor:pointer}\
button.no{border-color:var(--no);background:var(--no);color:var(--onno)}button.plain{background:transparent;color:var(--go)}\
@media(max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}.acts button{flex:1 1 100%}}";

#[cfg(test)]
mod tests {
    use super::STYLE;

    /// Of two colours, as WCAG 2.2 defines it (relative luminance).
    fn contrast(one: &str, other: &str) -> f64 {
        let light = |hex: &str| {
            let wide: String = match hex.len() {
                3 => hex.chars().flat_map(|c| [c, c]).collect(),
                _ => hex.to_owned(),
            };
            let all = u32::from_str_radix(&wide, 16).unwrap();
            let part = |shift: u32| {
                let value = f64::from((all >> shift) & 255) / 255.0;
                if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
        };
        let (one, other) = (light(one), light(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn what_is_written_can_be_read_in_light_and_dark() {
        let roots: Vec<&str> = STYLE.split(":root{").skip(1).collect();
        assert_eq!(roots.len(), 2);
        for root in roots {
            let colour = |name: &str| {
                let rest = root.split(&format!("--{name}:#")).nth(1).unwrap();
                rest.chars().take_while(char::is_ascii_hexdigit).collect::<String>()
            };
            for (text, on, least) in [
                ("fg", "bg", 7.0),
                ("fg", "box", 7.0),
                ("soft", "bg", 4.5),
                ("soft", "box", 4.5),
                ("go", "bg", 4.5),
                ("go", "box", 4.5),
                ("on", "go", 4.5),
                ("onno", "no", 4.5),
                ("mark", "markbg", 4.5),
                ("line", "bg", 3.0),
            ] {
                let found = contrast(&colour(text), &colour(on));
                assert!(found >= least, "{text} on {on}: {found}");
            }
        }
    }
}
