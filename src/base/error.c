#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[1024];

int error_set(const char *format, ...)
{
    char text[sizeof message]; /* the arguments may point into the message that is replaced */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(message, text, sizeof message);
    return -1;
}

const char *error_message(void)
{
    return message;
}
