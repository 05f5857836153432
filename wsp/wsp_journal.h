/**
 * @file
 * What a program sees of its connections, written down for who judges it: `winlane replay` compares it with the events that
 * a case expects. Where nobody asks for it, the table of the provider stays as it is and no call knows of this.
 */
#ifndef WSP_JOURNAL_H
#define WSP_JOURNAL_H

#include "wsp_sdk.h"

/** Names the file that events are added to, a line each: "accept 1", "data 1 40", "eof 1", "error 1 10054", ... */
#define WSP_JOURNAL_VARIABLE "WINLANE_EVENTS"

/**
 * Lead the calls that make events through here, if the environment asks for it.
 *
 * @param table  The provider's, filled.
 *
 * Context: WSPStartup. A file that cannot be opened is logged, and nothing is written.
 */
void wsp_journal_lead(LPWSPPROC_TABLE table);

#endif
