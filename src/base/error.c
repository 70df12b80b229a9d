#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[1024];
static _Thread_local bool is_memory;

static void set(bool memory, const char *format, va_list args)
{
    char text[sizeof message]; /* the arguments may point into the old message */
    vsnprintf(text, sizeof text, format, args);
    memcpy(message, text, sizeof message);
    is_memory = memory;
}

int error_set(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(false, format, args);
    va_end(args);
    return -1;
}

int error_set_memory(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(true, format, args);
    va_end(args);
    return -1;
}

bool error_is_memory(void)
{
    return is_memory;
}

const char *error_message(void)
{
    return message;
}
