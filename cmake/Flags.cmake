# SPDX-License-Identifier: Apache-2.0
# Warnings and hardening; both compilers, then what only one of them knows.
set(WARN -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla
    -Walloca -Wnull-dereference -Wimplicit-fallthrough -Wredundant-decls
    -Wnested-externs -Wdate-time)
set(HARDEN -fstack-protector-strong -fstack-clash-protection
    -fcf-protection=full -fno-delete-null-pointer-checks -fno-strict-overflow
    -fno-common -fvisibility=hidden)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
	list(APPEND WARN -Warith-conversion -Wcast-align=strict
	    -Wformat-signedness -Wformat-overflow=2 -Wformat-truncation=2
	    -Wlogical-op -Wduplicated-cond -Wduplicated-branches
	    -Wjump-misses-init -Warray-bounds=2 -Wstringop-overflow=4
	    -Wuse-after-free=3 -Wtrampolines -Wbidi-chars=any)
	list(APPEND HARDEN -ftrivial-auto-var-init=zero
	    -fzero-call-used-regs=used-gpr)
else()
	list(APPEND WARN -Wcomma -Wconditional-uninitialized -Wassign-enum
	    -Wunreachable-code-aggressive -Wmissing-variable-declarations
	    -Wshift-sign-overflow)
	list(APPEND HARDEN -ftrivial-auto-var-init=pattern)
endif()
add_compile_options(${WARN} ${HARDEN})
if(CHANCERY_WERROR)
	add_compile_options(-Werror)
endif()
if(CHANCERY_SANITIZE)
	add_compile_options(-fsanitize=${CHANCERY_SANITIZE}
	    -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g)
	add_link_options(-fsanitize=${CHANCERY_SANITIZE})
	if(CHANCERY_SANITIZE MATCHES "address")
		add_compile_definitions(CHANCERY_ASAN)
	endif()
	# The sanitizers make these see paths that do not exist.
	add_compile_options(-Wno-null-dereference)
	if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
		add_compile_options(-Wno-maybe-uninitialized
		    -Wno-stringop-overflow -Wno-array-bounds
		    -Wno-format-overflow -Wno-format-truncation)
	endif()
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT CHANCERY_COVERAGE)
	add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(CHANCERY_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CHANCERY_COVERAGE)
	# Threads count too: plain counters lose, and gcov shows them negative.
	add_compile_options(--coverage -fprofile-update=atomic -O0)
	add_link_options(--coverage)
	add_compile_definitions(CHANCERY_COVERAGE)
endif()
# Never -DNDEBUG: an assertion in a CA is a feature.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,--as-needed)
add_compile_definitions(_GNU_SOURCE CHANCERY_VERSION="${PROJECT_VERSION}")
