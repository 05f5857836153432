/* Registered I/O in a child after fork: refused, before anything of the stack's memory, which it has not, is read. */
#include "sim_rio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/** What each call says; the number of those that say something else than STK_EFORKED. */
static int child_calls(struct sim_rio_pair *pair)
{
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    const uint32_t max[2] = {4, 4};
    struct stk_rio_cq *cq = NULL;
    struct stk_rio_mem *mem = NULL;
    int wrong = 0;
    wrong += sim_rio_post(&pair->b, STK_RIO_RECV, 0, 1, 0, 1) != STK_EFORKED;
    wrong += sim_rio_post_to(&pair->a, 0, 1, 0, 1, &to) != STK_EFORKED;
    wrong += sim_rio_post_to(&pair->a, 0, 2000, 0, 1, &to) != STK_EFORKED;
    wrong += stk_rio_commit(pair->a.rq, STK_RIO_SEND) != STK_EFORKED;
    wrong += stk_rio_cq_arm(pair->a.cq) != STK_EFORKED;
    wrong += stk_rio_cq_resize(pair->a.cq, 100) != STK_EFORKED;
    wrong += stk_rio_rq_resize(pair->a.rq, max) != STK_EFORKED;
    wrong += stk_rio_cq_open(pair->a.host->client, 8, 0, &cq) != STK_EFORKED;
    wrong += stk_rio_mem_add(pair->a.host->client, pair->a.bytes, 8, &mem) != STK_EFORKED;
    wrong += stk_sock_close(pair->a.sock, STK_CLOSE_GRACEFUL) != STK_EFORKED;
    stk_rio_mem_remove(pair->a.mem); /* say nothing, do nothing */
    stk_rio_cq_close(pair->a.cq);
    return wrong;
}

static void fork__every_call__refused_and_the_parent_unharmed(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_dgrams(&pair, STK_AF_INET, 82, "", 8);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    for (uint32_t i = 0; i < 2; i++) { /* the second time its way is known */
        assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, 0, 1, &to), STK_OK);
        assert_int_equal(sim_rio_take(&pair, &pair.a).status, STK_OK);
    }
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(child_calls(&pair));
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, 0, 2, &to), STK_OK);
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 2);
    sim_rio_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fork__every_call__refused_and_the_parent_unharmed),
    };
    return cmocka_run_group_tests_name("sim_rio_fork", tests, NULL, NULL);
}
