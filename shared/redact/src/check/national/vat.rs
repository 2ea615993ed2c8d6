//! EU VAT numbers with their prefix: the prefix, and the rule of the state.

use super::{Check, de, eu_east, eu_north, eu_south, eu_west, fr};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("vat_at", |text| after(b"AT", text, eu_west::is_at_uid)),
    ("vat_be", |text| after(b"BE", text, eu_west::is_be_enterprise)),
    ("vat_bg", |text| after(b"BG", text, eu_east::is_bg_vat)),
    ("vat_cy", |text| after(b"CY", text, eu_south::is_cy_tic)),
    ("vat_cz", |text| after(b"CZ", text, eu_east::is_cz_dic)),
    ("vat_de", |text| after(b"DE", text, de::is_ust)),
    ("vat_dk", |text| after(b"DK", text, eu_north::is_dk_cvr)),
    ("vat_ee", |text| after(b"EE", text, eu_north::is_ee_kmkr)),
    ("vat_el", |text| after(b"EL", text, eu_south::is_gr_afm) || after(b"GR", text, eu_south::is_gr_afm)),
    ("vat_es", |text| after(b"ES", text, eu_south::is_es_vat)),
    ("vat_fi", |text| after(b"FI", text, eu_north::is_fi_business)),
    ("vat_fr", |text| after(b"FR", text, fr::is_tva)),
    ("vat_hr", |text| after(b"HR", text, eu_east::is_hr_oib)),
    ("vat_hu", |text| after(b"HU", text, eu_east::is_hu_anum)),
    ("vat_ie", |text| after(b"IE", text, eu_west::is_ie_vat)),
    ("vat_it", |text| after(b"IT", text, eu_south::is_it_iva)),
    ("vat_lt", |text| after(b"LT", text, eu_north::is_lt_pvm)),
    ("vat_lu", |text| after(b"LU", text, eu_west::is_lu_tva)),
    ("vat_lv", |text| after(b"LV", text, eu_north::is_lv_pvn)),
    ("vat_mt", |text| after(b"MT", text, eu_south::is_mt_vat)),
    ("vat_nl", |text| after(b"NL", text, eu_west::is_nl_btw)),
    ("vat_pl", |text| after(b"PL", text, eu_east::is_pl_nip)),
    ("vat_pt", |text| after(b"PT", text, eu_south::is_pt_nif)),
    ("vat_ro", |text| after(b"RO", text, eu_east::is_ro_cui)),
    ("vat_se", |text| after(b"SE", text, eu_north::is_se_vat)),
    ("vat_si", |text| after(b"SI", text, eu_east::is_si_ddv)),
    ("vat_sk", |text| after(b"SK", text, eu_east::is_sk_vat)),
];

fn after(prefix: &[u8], text: &[u8], check: Check) -> bool {
    text.strip_prefix(prefix).is_some_and(check)
}
