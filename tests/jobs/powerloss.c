/* Keeps what a power cut would leave of a folder: for each file its content at its last fsync, by inode, and the
 * names that were durable. Loaded by LD_PRELOAD. POWERLOSS_DIR is the folder, POWERLOSS_SHADOW the place for the rest.
 *
 *   SHADOW/inodes/INO   the content of a file at its last fsync
 *   SHADOW/names/PATH   the inode of a durable name; a slash of the path is a %
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void name_file(char *out, size_t size, const char *shadow, const char *folder, const char *path) {
    int start = snprintf(out, size, "%s/names/", shadow);
    snprintf(out + start, size - start, "%s", path + strlen(folder) + 1);
    for (char *at = out + start; *at; at++)
        if (*at == '/') *at = '%';
}

static void note_name(const char *shadow, const char *folder, const char *path, ino_t ino) {
    /* Whole or not at all: another thread may be where the process is killed. */
    char file[4096], part[4096], text[32];
    name_file(file, sizeof file, shadow, folder, path);
    snprintf(part, sizeof part, "%s/inodes/%lu.name", shadow, (unsigned long)ino);
    int out = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out < 0) return;
    int length = snprintf(text, sizeof text, "%lu", (unsigned long)ino);
    if (write(out, text, length) != length) abort();
    close(out);
    rename(part, file);
}

static void keep_content(const char *shadow, const char *path, ino_t ino) {
    char part[4096], whole[4096], block[65536];
    snprintf(whole, sizeof whole, "%s/inodes/%lu", shadow, (unsigned long)ino);
    snprintf(part, sizeof part, "%s.part", whole);
    int in = open(path, O_RDONLY), out = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t got;
    while (in >= 0 && (got = read(in, block, sizeof block)) > 0)
        if (write(out, block, got) != got) abort();
    close(in);
    close(out);
    rename(part, whole);
}

static void keep_names(const char *shadow, const char *folder, const char *path) {
    char prefix[4096], names[4096], file[8192];
    struct dirent *entry;
    struct stat info;
    snprintf(names, sizeof names, "%s/names", shadow);
    /* Names that were durable and are gone from this folder. */
    snprintf(file, sizeof file, "%s/x", path);
    name_file(prefix, sizeof prefix, shadow, folder, file);
    char *base = strrchr(prefix, '/') + 1;
    base[strlen(base) - 1] = 0;
    DIR *listing = opendir(names);
    while (listing && (entry = readdir(listing))) {
        if (entry->d_name[0] == '.' && strlen(entry->d_name) < 3) continue;
        if (strncmp(entry->d_name, base, strlen(base)) || strchr(entry->d_name + strlen(base), '%')) continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name + strlen(base));
        if (stat(file, &info)) {
            snprintf(file, sizeof file, "%s/%s", names, entry->d_name);
            unlink(file);
        }
    }
    if (listing) closedir(listing);
    listing = opendir(path);
    while (listing && (entry = readdir(listing))) {
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (!stat(file, &info) && S_ISREG(info.st_mode)) note_name(shadow, folder, file, info.st_ino);
    }
    if (listing) closedir(listing);
}

static void keep(int handle) {
    const char *folder = getenv("POWERLOSS_DIR"), *shadow = getenv("POWERLOSS_SHADOW");
    char link[64], path[4096];
    struct stat info;
    if (!folder || !shadow || fstat(handle, &info)) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder))) return;
    if (S_ISDIR(info.st_mode)) {
        keep_names(shadow, folder, path);
    } else if (S_ISREG(info.st_mode)) {
        keep_content(shadow, path, info.st_ino);
        /* Linux file systems make the name of a new file durable with it, not a renaming. */
        char name[4096];
        name_file(name, sizeof name, shadow, folder, path);
        if (access(name, F_OK)) note_name(shadow, folder, path, info.st_ino);
    }
}

int fsync(int handle) {
    int result = syscall(SYS_fsync, handle);
    if (!result) keep(handle);
    return result;
}

int fdatasync(int handle) {
    int result = syscall(SYS_fdatasync, handle);
    if (!result) keep(handle);
    return result;
}
