/**
 * @file
 * The replay driver: a recorded peer behind a NIC port. It plays one side of a
 * capture, as recorded (frames at their times) or TCP-aware (numbers translated,
 * waiting for what the live side must send), in the caller's time. What it saw
 * goes into a report file: drivers/README.md lists keys and report lines.
 */
#ifndef DRV_REPLAY_H
#define DRV_REPLAY_H

#include "nic/nic.h"

extern const struct nic_driver drv_replay;

#endif
