/* SPDX-License-Identifier: Apache-2.0 */

/*
 * write_samples DIR: a small PKI of every profile, for each kind of issuer key,
 * as PEM for other people's tools (tests/interop/pki/run):
 *
 *   KEY/root.pem, intermediate.pem, root.crl, intermediate.crl
 *   KEY/PROFILE-SUBJECTKEY.pem      leaves under the intermediate
 *   KEY/revoked.pem                 a leaf that intermediate.crl lists
 *   KEY/partition.crl, delta.crl    scoped and delta lists
 *   KEY/urls.crl                    a partition's, under two URLs of which the leaves name
 *                                   the second
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/pki/crl.h>

#include "../../unit/pki_sample.h"

static const char *const issuer_keys[] = { "rsa-3072", "ec-p256", "ec-p384",
	"ed25519" };
static const char *const leaf_keys[] = { "rsa-2048", "ec-p256", "ec-p384",
	"ed25519" };
static const char *const leaf_profiles[] = { "kafka-broker", "kafka-client",
	"ocsp-responder", "generic" };

static char *dir;

static void
save(const char *name, const char *label, struct bytes der)
{
	auto_buf struct buf pem = { 0 };
	auto_mem char *path = path_join(dir, name);
	struct error e;

	pem_encode(label, der, &pem);
	if (!file_create(path, buf_bytes(&pem), 0644, &e))
		errx(1, "%s", e.msg);
}

static void
save_certificate(const char *name, struct bytes tbs,
    const struct sample_key *signer)
{
	auto_buf struct buf der = { 0 };

	sample_certificate(tbs, signer, &der);
	save(name, "CERTIFICATE", buf_bytes(&der));
}

/* The profile with the pointers that a plan would give it. */
static struct profile
pointed(const char *name)
{
	struct profile p = *profile_builtin(name);

	if (strcmp(name, "root") == 0 || strcmp(name, "ocsp-responder") == 0)
		return p;
	p.crl_url[0] = p.ca ? "http://pki.kafka.example/root.crl"
			    : "http://pki.kafka.example/int/{partition}.crl";
	p.ca_url[0] = p.ca ? "http://pki.kafka.example/root.cer"
			   : "http://pki.kafka.example/int.cer";
	if (p.ca) {
		p.permitted_dns[0] = "kafka.example";
		p.permitted_ip[0] = "192.0.2.0/24";
		p.permitted_dn[0] = "O=Acme,C=DE";
		/* Not "::/0": JDK 17's IPAddressName.constrains reads past an
		 * IPv4 SAN that it holds against an IPv6 subtree and throws
		 * ArrayIndexOutOfBoundsException. docs/ceremony.md says so. */
		p.excluded_ip[0] = "192.0.2.128/25";
	} else {
		p.ocsp_url[0] = "http://ocsp.kafka.example";
	}
	return p;
}

struct revoked {
	struct crl_entry v[3];
	size_t n, at;
};

static bool
next(void *arg, struct crl_entry *out)
{
	struct revoked *r = arg;

	if (r->at == r->n)
		return false;
	*out = r->v[r->at++];
	return true;
}

static void
rewind_list(void *arg)
{
	struct revoked *r = arg;

	r->at = 0;
}

static bool
collect(void *arg, struct bytes piece, struct error *e)
{
	(void)e;
	buf_add_bytes(arg, piece);
	return true;
}

static void
write_crl(const char *name, const struct crl_params *p, struct revoked *list,
    const struct sample_key *signer)
{
	struct crl_source src = { next, rewind_list, list };
	auto_buf struct buf tbs = { 0 }, sig = { 0 }, der = { 0 }, tail = { 0 };
	uint8_t digest[DIGEST_MAX];
	uint64_t bytes, entries;
	struct error e;
	size_t n;

	if (!crl_write_tbs(p, &src, collect, &tbs, digest, &n, &bytes, &entries,
		&e))
		errx(1, "%s: %s", name, e.msg);
	sample_sign(signer, p->alg, buf_bytes(&tbs), &sig);
	crl_outer(bytes, p->alg, buf_bytes(&sig), &der, &tail);
	buf_add_bytes(&der, buf_bytes(&tbs));
	buf_add_bytes(&der, buf_bytes(&tail));
	save(name, "X509 CRL", buf_bytes(&der));
}

static struct crl_params
crl_params(const struct tbs_issuer *from)
{
	struct crl_params p = {
		.issuer = from->name,
		.alg = from->alg,
		.this_update_s = sample_now_s - 60,
		.next_update_s = sample_now_s + 7 * SAMPLE_DAY,
		.number = 12,
		.delta_base = -1,
	};

	memcpy(p.aki, from->key_id, sizeof(p.aki));
	return p;
}

/* The revoked certificate between two others, with all that an entry can say. */
static struct revoked
revoked_list(struct bytes tbs)
{
	struct revoked r = { .n = 3 };
	struct tbs_view v;
	struct error e;

	if (!tbs_parse(tbs, &v, &e))
		errx(1, "%s", e.msg);
	for (size_t i = 0; i < r.n; i++)
		r.v[i].revoked_s = sample_now_s - 3600;
	r.v[0].serial[19] = 5;
	r.v[0].reason = CRL_CESSATION;
	memcpy(r.v[1].serial + 20 - v.serial.n, v.serial.p, v.serial.n);
	r.v[1].reason = CRL_KEY_COMPROMISE;
	r.v[1].invalidity_s = sample_now_s - 7200;
	r.v[2].serial[0] = 0x7f;
	r.v[2].reason = CRL_SUPERSEDED;
	return r;
}

static void
write_crls(const struct tbs_issuer *from, const struct sample_key *key,
    const char *type, struct bytes revoked_tbs)
{
	struct revoked list = revoked_list(revoked_tbs);
	struct crl_params p = crl_params(from);
	char name[64];

	(void)snprintf(name, sizeof(name), "%s/intermediate.crl", type);
	write_crl(name, &p, &list, key);
	p.idp_url = "http://pki.kafka.example/int/3.crl";
	p.idp_only_user = true;
	(void)snprintf(name, sizeof(name), "%s/partition.crl", type);
	write_crl(name, &p, &list, key);
	p.idp_url = "http://mirror.kafka.example/0.crl "
		    "http://pki.kafka.example/int/0.crl";
	p.idp_only_user = false;
	(void)snprintf(name, sizeof(name), "%s/urls.crl", type);
	write_crl(name, &p, &list, key);
	p.idp_url = NULL;
	p.delta_base = 11;
	(void)snprintf(name, sizeof(name), "%s/delta.crl", type);
	write_crl(name, &p, &list, key);
}

static void
write_leaves(const struct tbs_issuer *from, const struct sample_key *key,
    const char *type)
{
	char name[64];

	for (size_t p = 0; p < countof(leaf_profiles); p++) {
		struct profile profile = pointed(leaf_profiles[p]);

		for (size_t k = 0; k < countof(leaf_keys); k++) {
			auto_buf struct buf tbs = { 0 };

			sample_tbs_good(&profile, from,
			    sample_key(leaf_keys[k]), &tbs);
			(void)snprintf(name, sizeof(name), "%s/%s-%s.pem", type,
			    leaf_profiles[p], leaf_keys[k]);
			save_certificate(name, buf_bytes(&tbs), key);
		}
	}
}

static void
write_pki(const char *type)
{
	const struct sample_key *root_key = sample_key(type);
	const struct sample_key *key = sample_other_key(type);
	struct profile root = pointed("root"), ca = pointed("intermediate"),
		       leaf = pointed("kafka-client");
	auto_buf struct buf root_name = sample_name("CN=Root,O=Acme,C=DE");
	auto_buf struct buf name = sample_name("CN=Sample CA,O=Acme,C=DE");
	auto_buf struct buf tbs = { 0 };
	auto_mem char *sub = path_join(dir, type);
	struct tbs_issuer from = { .name = buf_bytes(&root_name),
		.alg = root_key->alg };
	struct revoked none = { .n = 0 };
	struct crl_params p;
	char file[64];
	struct error e;

	if (!dir_create(sub, 0755, &e))
		errx(1, "%s", e.msg);
	memcpy(from.key_id, root_key->id, sizeof(from.key_id));
	sample_tbs_good(&root, &from, root_key, &tbs);
	(void)snprintf(file, sizeof(file), "%s/root.pem", type);
	save_certificate(file, buf_bytes(&tbs), root_key);
	p = crl_params(&from);
	p.next_update_s = sample_now_s + 180 * SAMPLE_DAY;
	(void)snprintf(file, sizeof(file), "%s/root.crl", type);
	write_crl(file, &p, &none, root_key);

	from.not_before_s = sample_now_s - SAMPLE_DAY;
	from.not_after_s = sample_now_s + 7300 * SAMPLE_DAY;
	buf_reset(&tbs);
	sample_tbs_good(&ca, &from, key, &tbs);
	(void)snprintf(file, sizeof(file), "%s/intermediate.pem", type);
	save_certificate(file, buf_bytes(&tbs), root_key);

	from.name = buf_bytes(&name);
	from.alg = key->alg;
	memcpy(from.key_id, key->id, sizeof(from.key_id));
	write_leaves(&from, key, type);
	buf_reset(&tbs);
	sample_tbs_good(&leaf, &from, sample_key("ec-p256"), &tbs);
	(void)snprintf(file, sizeof(file), "%s/revoked.pem", type);
	save_certificate(file, buf_bytes(&tbs), key);
	write_crls(&from, key, type, buf_bytes(&tbs));
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		errx(64, "usage: write_samples DIR");
	dir = argv[1];
	sample_now_s = clock_wall_ms(&clock_system) / 1000;
	for (size_t i = 0; i < countof(issuer_keys); i++)
		write_pki(issuer_keys[i]);
	sample_keys_free();
	return 0;
}
