/* SPDX-License-Identifier: Apache-2.0 */
#include "rig_fixture.h"

struct rig rig;

int
rig_group_setup(unused_arg void **state)
{
	rig_start(&rig);
	return 0;
}

int
rig_group_teardown(unused_arg void **state)
{
	rig_stop(&rig);
	return 0;
}

int
rig_test_setup(unused_arg void **state)
{
	rig_setup(&rig);
	return 0;
}

int
rig_test_teardown(unused_arg void **state)
{
	rig_teardown(&rig);
	return 0;
}

uint64_t
size(void)
{
	return reg_size(signer_register(rig.s));
}

void
expect_records(uint64_t from, const char *want)
{
	auto_buf struct buf got = { 0 };

	rig_records(&rig, from, &got);
	assert_string_equal(buf_cstr(&got), want);
}

void
must_certify(const struct sha256 *key)
{
	struct signer_reply reply;
	struct error e = { 0 };

	must(rig_certify(&rig, key, NULL, &reply, &e), &e, "certify");
}

void
must_generate(struct sha256 *key)
{
	struct error e = { 0 };

	must(rig_generate(&rig, "ec-p256", true, key, &e), &e, "generate");
}
