/* Rest and return of an engine's thread, without a client: what park and unpark promise holds when they return. */
#include "core/engine.h"
#include "stack/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROUNDS 200
#define PARKS 100

static struct stk_engine *engine_of(const char *text)
{
    struct stk_config *config = NULL;
    struct stk_engine *engine = NULL;
    char error[STK_CONF_ERROR_SIZE] = "";
    if (stk_config_parse(text, NULL, &config, error, sizeof(error)) != STK_OK) {
        fail_msg("%s", error);
    }
    assert_int_equal(stk_engine_create(config, &stk_engine_env_real, &engine, error, sizeof(error)), STK_OK);
    stk_config_free(config);
    return engine;
}

static uint32_t state_of(struct stk_engine *engine)
{
    return atomic_load(&stk_engine_region(engine)->abi->engine_state);
}

static const char small[] = "[engine]\nsockets_max = 16\nbuffer_memory = 4MiB\ntcp_max = 16\nudp_max = 16\n";

static void park__right_after_the_start__engine_rests_when_it_returns(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct stk_engine *engine = engine_of(small);
        assert_int_equal(stk_engine_thread_start(engine), STK_OK);
        assert_int_equal(stk_engine_park(engine), STK_OK);
        assert_int_equal(state_of(engine), STK_ENGINE_PARKED);
        assert_int_equal(stk_engine_unpark(engine), STK_OK);
        assert_int_equal(state_of(engine), STK_ENGINE_RUNNING);
        stk_engine_destroy(engine);
    }
}

static void park__again_and_again__state_follows_each_time(void **state)
{
    (void)state;
    struct stk_engine *engine = engine_of(small);
    assert_int_equal(stk_engine_thread_start(engine), STK_OK);
    for (int i = 0; i < PARKS; i++) {
        assert_int_equal(stk_engine_park(engine), STK_OK);
        assert_int_equal(state_of(engine), STK_ENGINE_PARKED);
        assert_int_equal(stk_engine_unpark(engine), STK_OK);
        assert_int_equal(state_of(engine), STK_ENGINE_RUNNING);
    }
    assert_int_equal(stk_engine_park(engine), STK_OK);
    stk_engine_destroy(engine); /* ends a thread that rests */
}

static void park__without_a_thread__is_refused(void **state)
{
    (void)state;
    struct stk_engine *engine = engine_of(small);
    assert_int_equal(stk_engine_park(engine), STK_EINVAL);
    assert_int_equal(stk_engine_unpark(engine), STK_EINVAL);
    stk_engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(park__right_after_the_start__engine_rests_when_it_returns),
        cmocka_unit_test(park__again_and_again__state_follows_each_time),
        cmocka_unit_test(park__without_a_thread__is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
