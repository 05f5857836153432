# FROM, TO: the front edge of a segment that overlaps what was received is cut one byte too far.
file(READ "${FROM}" text)
string(FIND "${text}" "off = (u16_t)off32;" at)
if(at EQUAL -1)
    message(FATAL_ERROR "plant.cmake: the line to be changed is not in ${FROM}")
endif()
string(REPLACE "off = (u16_t)off32;" "off = (u16_t)(off32 + 1);" text "${text}")
file(WRITE "${TO}" "${text}")
