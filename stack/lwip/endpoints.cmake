# Endpoints: what ties sockets of the channel to lwIP.
target_sources(stk_lwip PRIVATE stk_ep.c stk_ep_addr.c stk_ep_cut.c stk_ep_dgram.c stk_ep_dgram_recv.c stk_ep_error.c stk_ep_ip.c stk_ep_mcast.c stk_ep_mcast_op.c stk_ep_opt.c stk_ep_port.c stk_ep_own.c stk_ep_raw.c stk_ep_rio.c stk_ep_rio_fast.c stk_ep_rio_mem.c stk_ep_rio_recv.c stk_ep_rio_send.c stk_ep_rio_watch.c stk_ep_stamp.c stk_ep_tcp.c stk_ep_listen.c stk_ep_urgent.c)
target_link_libraries(stk_lwip PUBLIC stk::ipc)
