/* SPDX-License-Identifier: Apache-2.0 */

/*
 * LeakSanitizer and SoftHSM 2.6.1: C_SignInit leaks the decoded curve name, 37
 * bytes for each Ed25519 signature (softhsm issue 858). Any program that signs
 * with Ed25519 on SoftHSM links this file. Whole stacks are needed to see the
 * module through libcrypto, which has no frame pointers. Nothing of ours is
 * allocated by the module.
 */
#define FOR_SANITIZER __attribute__((used, visibility("default")))

const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);

FOR_SANITIZER const char *
__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

FOR_SANITIZER const char *
__lsan_default_suppressions(void)
{
	return "leak:libsofthsm2.so\n";
}
