#include "instance_priv.h"

struct stk_inst_scope stk_inst_enter(struct stk_inst *inst)
{
    return (struct stk_inst_scope){.before = lwip_instance_select(&inst->lwip)};
}

void stk_inst_leave(struct stk_inst_scope scope)
{
    (void)lwip_instance_select(scope.before);
}
