/**
 * @file
 * DPDK's rings and pools are not built with ThreadSanitizer, so it cannot see
 * that they order what passes through them. These name that edge (D1: a buffer
 * put into a ring or pool happens before it is taken out) in its own words;
 * in other builds they are nothing.
 */
#ifndef DRV_DPDK_TSAN_H
#define DRV_DPDK_TSAN_H

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define DRV_DPDK_TSAN 1
#endif
#endif

#ifdef DRV_DPDK_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define DRV_DPDK_EDGE_PUT(object) __tsan_release(object)
#define DRV_DPDK_EDGE_TAKE(object) __tsan_acquire(object)
#else
#define DRV_DPDK_EDGE_PUT(object) ((void)(object))
#define DRV_DPDK_EDGE_TAKE(object) ((void)(object))
#endif

#endif
