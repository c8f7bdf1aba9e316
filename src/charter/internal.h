/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inside the charter: YAML and JSON fill the same struct limits through the same
 * schema (schema.c); charter_build checks it across fields, brings its texts into
 * one form and prepares what the rules (rules*.c) compare certificates with.
 */
#include <chancery/charter/charter.h>
#include <chancery/config/yaml.h>
#include <chancery/pki/der.h>

enum self_signed {
	SELF_DENY,
	SELF_ONCE,
	SELF_ALLOW
};
enum imported {
	IMPORTED_DENY,
	IMPORTED_ALLOW
};

struct quorum {
	char *custodians; /* SHA-256 of the allowed_signers file, hex */
	uint64_t m;       /* 0: no quorum */
};
struct names {
	struct yaml_texts dn, dns, email, ip, uri;
	bool wildcards;
};
/* Index of a life: a kind, or self-signed CA certificates. */
enum life {
	LIFE_LEAF,
	LIFE_CA,
	LIFE_CRL,
	LIFE_OCSP,
	LIFE_SELF,
	LIFE__COUNT
};
struct limits {
	struct yaml_texts algs, ekus, extensions, key_usage, kinds,
	    must_constrain, subject_keys;
	struct names names;
	int64_t max_life[LIFE__COUNT], backdate;
	uint64_t path_len, per_hour, total; /* the last two, 0: no limit */
	int self_signed, imported_keys;
	struct quorum quorum[KIND__COUNT];
	bool open;
};
extern const struct yaml_field limits_schema[];

struct cidr {
	uint8_t addr[16];
	unsigned len, prefix; /* 4 or 16 octets; bits */
};
/* Names that a CA can be made to constrain; also how they are called. */
enum name_kind {
	NAME_DNS,
	NAME_IP,
	NAME_DN,
	NAME_URI,
	NAME_EMAIL,
	NAME_KIND__COUNT
};

struct charter {
	struct limits l;
	char **kept; /* every text of l */
	size_t kept_n, kept_cap;
	/* Prepared for the rules. */
	unsigned kinds;     /* 1 << enum charter_kind */
	unsigned algs;      /* 1 << enum sig_alg      */
	unsigned key_usage; /* KU_ bits               */
	unsigned constrain; /* 1 << enum name_kind    */
	struct cidr *ips;   /* names.ip, one each; unused with `any` */
	struct buf *dn_der; /* names.dn, DER, one each */
};

/* ---- texts.c: one entry of a list ---------------------------------------- */
bool is_any(const struct yaml_texts *t);
bool texts_have(const struct yaml_texts *t, const char *text);
/* Is it well-formed? (struct yaml_field.check) */
bool check_kind(const char *text, struct error *e) must_check;
bool check_alg(const char *text, struct error *e) must_check;
bool check_key(const char *text, struct error *e) must_check;
bool check_eku(const char *text, struct error *e) must_check;
bool check_key_usage(const char *text, struct error *e) must_check;
bool check_oid(const char *text, struct error *e) must_check;
bool check_name_kind(const char *text, struct error *e) must_check;
bool check_dns(const char *text, struct error *e) must_check;
bool check_ip(const char *text, struct error *e) must_check;
bool check_dn(const char *text, struct error *e) must_check;
bool check_uri(const char *text, struct error *e) must_check;
bool check_email(const char *text, struct error *e) must_check;
bool check_sha256(const char *text, struct error *e) must_check;
unsigned key_usage_bit(const char *name); /* 0: unknown */
bool name_kind_by_name(const char *name, enum name_kind *out) must_check;

/* ---- names.c: comparing names -------------------------------------------- */
/* Letters, digits, hyphen and underscore in labels of 1 to 63, 253 in all. */
bool is_host(struct bytes name);
bool charter_cidr_parse(const char *text, struct cidr *out) must_check;
void cidr_format(const struct cidr *c, struct buf *out);
bool cidr_covers(const struct cidr *outer, const struct cidr *inner);
/* Entry of names.* against a name, or against a narrower entry. */
bool dns_covers(const char *entry, struct bytes name);
bool uri_covers(const char *entry, struct bytes name);
bool email_covers(const char *entry, struct bytes name);
/* The attributes of a DER Name in encoding order. */
#define DN_ATTRS_MAX 64
struct dn_attr {
	struct bytes oid, value; /* contents */
	int tag;                 /* of the value */
};
struct dn {
	struct dn_attr v[DN_ATTRS_MAX];
	size_t n;
};
/* False: malformed, or more attributes than any name that is meant. */
bool dn_parse(struct bytes name, struct dn *out) must_check;
/* Every attribute type of the rule has, in the name, exactly the rule's values
 * in the rule's order. */
bool dn_covers(const struct dn *rule, const struct dn *name);

/* ---- rules ---------------------------------------------------------------- */
/* What is being judged. */
struct charter_act {
	const struct charter *c;
	const struct tbs_view *tbs; /* LEAF, CA */
	struct bytes subject;       /* LEAF, CA, CSR */
	enum charter_kind kind;
	int64_t from_s, to_s; /* not for CSR */
	const struct charter_usage *u;
	struct charter_verdict *v;
	const char *rule;
	struct general_name *san; /* of the subjectAltName, if any */
	size_t san_n;
};
/* Refuse: the field of the certificate, the sentence after it. */
bool refuse(const struct charter_act *a, struct error *e, const char *field,
    const char *fmt, ...) printf_like(4, 5);
/* Room for a value as it is quoted back: cut, escaped. */
struct quote {
	char text[100];
};
struct quote quote(struct bytes value);
struct quote quote_dn(struct bytes name);

typedef bool rule_check(const struct charter_act *a, struct error *e);
/* rules_ext.c */
rule_check rule_extensions, rule_path_len, rule_key_usage, rule_ekus,
    rule_name_constraints; /* rules_constraints.c */
/* Whether a TLS client would take the certificate for a server's. */
bool act_server_auth(const struct charter_act *a);
/* rules_names.c */
rule_check rule_names_dn, rule_names_san, rule_names_email, rule_names_cn;
const struct yaml_texts *charter_names_of(const struct charter *c,
    enum name_kind kind);
/* A name of this kind is within names.*; wildcards are not looked at. */
bool name_allowed(const struct charter *c, enum name_kind kind,
    struct bytes value) must_check;
bool ip_allowed(const struct charter *c, const struct cidr *net) must_check;
/* Every name that a permitted subtree (RFC 5280 4.2.1.10) covers is. */
bool subtree_allowed(const struct charter *c, enum name_kind kind,
    struct bytes base) must_check;
/* Which kind of ours, if any. */
bool name_kind_of(enum general_name_kind gn, enum name_kind *out) must_check;
/* "dNSName", as RFC 5280 calls it. */
const char *general_name_field(enum general_name_kind gn);
