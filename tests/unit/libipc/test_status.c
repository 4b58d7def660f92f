/*
 * test_status.c - statuses, reasons and exit codes.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "libipc/status.h"

Test(status, every_status_has_a_name_of_its_own_and_a_sentence) {
        for (uint32_t i = 0; i < _STATUS_N; i++) {
                for (uint32_t k = 0; k < i; k++)
                        cr_expect_str_neq(status_name(k), status_name(i));
                cr_expect_neq(strncmp(status_name(i), "STATUS-", strlen("STATUS-")), 0);
                cr_expect_gt(strlen(status_text(i)), 0);
        }
}

Test(status, unknown_numbers_have_names_as_well) {
        const char *first = status_name(77), *second = status_name(UINT32_MAX);

        cr_expect_str_eq(first, "STATUS-77");
        cr_expect_str_eq(second, "STATUS-4294967295");
        cr_expect_gt(strlen(status_text(77)), 0);
}

Test(status, exit_codes_are_those_that_scripts_rely_on) {
        cr_expect_eq(status_exit_code(STATUS_OK), 0);
        cr_expect_eq(status_exit_code(STATUS_ERROR), 1);
        cr_expect_eq(status_exit_code(STATUS_DENIED), 4);
        cr_expect_eq(status_exit_code(STATUS_NOTFOUND), 5);
        cr_expect_eq(status_exit_code(STATUS_NOTBOUND), 5);
        cr_expect_eq(status_exit_code(STATUS_NOPROC), 5);
        cr_expect_eq(status_exit_code(STATUS_TIMEOUT), 8);
        cr_expect_eq(status_exit_code(STATUS_UNAVAIL), 69);
        cr_expect_eq(status_exit_code(1000), 1);
}

Test(status, every_reason_has_a_name) {
        cr_expect_str_eq(exit_reason_name(EXIT_REASON_MEMORY), "memory");
        cr_expect_str_eq(exit_reason_name(_EXIT_REASON_N), "unknown");
        cr_expect_str_eq(close_reason_name(CLOSE_REASON_REVOKED), "revoked");
        cr_expect_str_eq(close_reason_name(UINT32_MAX), "unknown");
}
