/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A CRL that passes by in pieces (a download, a long file): its fields and its signature, in
 * memory that does not grow with its entries, which are not looked at. DER only.
 */
#include <chancery/base/cleanup.h>
#include <chancery/pki/crl.h>

struct crl_scan;
/* `issuer` is borrowed until crl_scan_end. */
struct crl_scan *crl_scan_new(const struct spki *issuer) must_check;
void crl_scan_free(struct crl_scan *s);
DEFINE_AUTO(crl_scan, struct crl_scan *, crl_scan_free)
#define auto_crl_scan auto_cleanup(crl_scan_cleanup)
/* The next octets. Mistakes are kept for the end; false: there is one, and the rest need not
 * come. */
bool crl_scan_add(struct crl_scan *s, struct bytes piece);
/* All has come. The view is that of crl_parse without `der`, `tbs` and `entries`; it lies in
 * the scan. Reasons as crl_parse and crl_verify; FAIL_UNSUPPORTED also for an Ed25519 list
 * above LIMIT_LIST_WHOLE_BYTES, which would have to be held whole. */
bool crl_scan_end(struct crl_scan *s, struct crl_view *out,
    struct error *e) must_check;
