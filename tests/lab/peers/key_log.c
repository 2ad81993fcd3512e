/* LD_PRELOAD: a program with OpenSSL appends its TLS secrets to the file that SSLKEYLOGFILE names. Debian 12's FreeRDP and
 * xrdp have no option for that. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*key_log)(const void *connection, const char *line);

static void append(const void *connection, const char *line)
{
    const char *path = getenv("SSLKEYLOGFILE");
    int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    char whole[512];
    size_t length = strlen(line);

    (void)connection;
    if (file < 0)
        return;
    if (length < sizeof whole) {
        /* One write, so that lines of several processes don't mix. */
        memcpy(whole, line, length);
        whole[length] = '\n';
        if (write(file, whole, length + 1) < 0) {
            /* The capture will lack it, which is found out there. */
        }
    }
    close(file);
}

/* A program may have loaded OpenSSL at run time, for itself alone. */
static void *find(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    void *library = found ? NULL : dlopen("libssl.so.3", RTLD_LAZY | RTLD_NOLOAD);

    return library ? dlsym(library, name) : found;
}

void *SSL_new(void *context)
{
    void *(*original)(void *) = (void *(*)(void *))find("SSL_new");
    void (*listen)(void *, key_log) = (void (*)(void *, key_log))find("SSL_CTX_set_keylog_callback");

    if (listen)
        listen(context, append);
    return original ? original(context) : NULL;
}
