/* LD_PRELOAD: FreeRDP 2 asks OpenSSL for the highest version there is, whatever the configuration says; this keeps it at TLS 1.2. */
#define _GNU_SOURCE
#include <dlfcn.h>

long SSL_CTX_ctrl(void *context, int command, long value, void *pointer)
{
    static long (*original)(void *, int, long, void *);

    if (!original)
        original = (long (*)(void *, int, long, void *))dlsym(RTLD_NEXT, "SSL_CTX_ctrl");
    if (command == 124) /* SSL_CTRL_SET_MAX_PROTO_VERSION */
        value = 0x0303;
    return original(context, command, value, pointer);
}
