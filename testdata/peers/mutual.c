// mutual makes qemu's iSCSI driver ask the target to prove itself too. The driver sets the
// initiator's CHAP name and secret and has no option for the target's; libiscsi below it has.
// Preloaded, this stands in for the call that qemu makes and adds the one it does not.
//
// build: cc -shared -fPIC -o mutual.so mutual.c
// usage: LD_PRELOAD=./mutual.so MUTUAL_USER=name MUTUAL_SECRET=secret qemu-img ...
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

typedef int set_fn(void *iscsi, const char *user, const char *secret);

int iscsi_set_initiator_username_pwd(void *iscsi, const char *user, const char *secret) {
	// qemu has loaded libiscsi for its plug-in alone, so RTLD_NEXT would not see it.
	void *lib = dlopen("libiscsi.so.7", RTLD_LAZY | RTLD_NOLOAD);
	set_fn *own = lib ? (set_fn *)dlsym(lib, "iscsi_set_initiator_username_pwd") : NULL;
	set_fn *peer = lib ? (set_fn *)dlsym(lib, "iscsi_set_target_username_pwd") : NULL;
	if (!own || !peer) return -1;
	int failed = own(iscsi, user, secret);
	return failed ? failed : peer(iscsi, getenv("MUTUAL_USER"), getenv("MUTUAL_SECRET"));
}
