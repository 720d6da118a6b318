/* A file layer that asks Go before each operation and leaves the rest to the system's layer. */
#include <stddef.h>
#include <string.h>

#include "shim.h"
#include "_cgo_export.h"

extern sqlite3_vfs *sqlite3_vfs_find(const char *);
extern int sqlite3_vfs_register(sqlite3_vfs *, int);

typedef struct {
	sqlite3_file base;
	const char *path; /* SQLite keeps it until the file is closed */
	sqlite3_file *real;
} shim_file;

static sqlite3_vfs *real_vfs;

#define REAL(f) (((shim_file *)(f))->real)
#define CALL(f, method, ...) (REAL(f)->pMethods->method(REAL(f), ##__VA_ARGS__))

static int ask(sqlite3_file *f, int op, int n, sqlite3_int64 at)
{
	const char *path = ((shim_file *)f)->path;
	return path ? nacreDiskfaultBefore((char *)path, op, n, at) : 0;
}

static int shim_close(sqlite3_file *f) { return CALL(f, xClose); }

static int shim_read(sqlite3_file *f, void *b, int n, sqlite3_int64 at)
{
	int rc = ask(f, 0, n, at);
	return rc ? rc : CALL(f, xRead, b, n, at);
}

static int shim_write(sqlite3_file *f, const void *b, int n, sqlite3_int64 at)
{
	int rc = ask(f, 1, n, at);
	if (rc) {
		CALL(f, xWrite, b, n / 2, at); /* a disk that fails may have written a part */
		return rc;
	}
	return CALL(f, xWrite, b, n, at);
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = ask(f, 2, 0, size);
	return rc ? rc : CALL(f, xTruncate, size);
}

static int shim_sync(sqlite3_file *f, int flags)
{
	int rc = ask(f, 3, 0, 0);
	return rc ? rc : CALL(f, xSync, flags);
}

static int shim_size(sqlite3_file *f, sqlite3_int64 *size) { return CALL(f, xFileSize, size); }
static int shim_lock(sqlite3_file *f, int level) { return CALL(f, xLock, level); }
static int shim_unlock(sqlite3_file *f, int level) { return CALL(f, xUnlock, level); }
static int shim_reserved(sqlite3_file *f, int *out) { return CALL(f, xCheckReservedLock, out); }
static int shim_control(sqlite3_file *f, int op, void *arg) { return CALL(f, xFileControl, op, arg); }
static int shim_sector(sqlite3_file *f) { return CALL(f, xSectorSize); }
static int shim_device(sqlite3_file *f) { return CALL(f, xDeviceCharacteristics); }

static int shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return CALL(f, xShmMap, page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags) { return CALL(f, xShmLock, offset, n, flags); }
static void shim_shm_barrier(sqlite3_file *f) { CALL(f, xShmBarrier); }
static int shim_shm_unmap(sqlite3_file *f, int del) { return CALL(f, xShmUnmap, del); }

static const io_methods methods = {
	2, shim_close, shim_read, shim_write, shim_truncate, shim_sync, shim_size, shim_lock, shim_unlock, shim_reserved,
	shim_control, shim_sector, shim_device, shim_shm_map, shim_shm_lock, shim_shm_barrier, shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out)
{
	shim_file *s = (shim_file *)f;
	int rc;
	(void)vfs;
	s->base.pMethods = NULL;
	s->path = path;
	s->real = (sqlite3_file *)(s + 1);
	rc = real_vfs->xOpen(real_vfs, path, s->real, flags, out);
	if (s->real->pMethods)
		s->base.pMethods = &methods;
	return rc;
}

int nacre_diskfault_register(const char *name)
{
	static sqlite3_vfs vfs;
	real_vfs = sqlite3_vfs_find(NULL);
	if (!real_vfs)
		return 1;
	/* What is asked of files by name goes to the system's layer; none of it looks at the layer it is called on. */
	vfs = *real_vfs;
	vfs.iVersion = 2;
	vfs.pNext = NULL;
	vfs.zName = name;
	vfs.szOsFile = (int)sizeof(shim_file) + real_vfs->szOsFile;
	vfs.xOpen = shim_open;
	return sqlite3_vfs_register(&vfs, 0);
}
