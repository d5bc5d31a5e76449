package churn

import (
	"testing"

	"github.com/lunarsan/lunar/vmfs"
)

func TestKinds(t *testing.T) {
	for name, want := range map[string]Kind{
		"/a/a.vmdk": Disk, "/a/a-flat.vmdk": Disk, "/a/a-FLAT.VMDK": Disk, "/a/a-000002-delta.vmdk": Delta, "/a/a-000002-sesparse.vmdk": Delta,
		"/a/a-ctk.vmdk": Tracking, "/a/a-000002-ctk.vmdk": Tracking, "/a/a-6f2c.vswp": Swap, "/a/vmx-a-17.vswp": Swap, "/a/a-Snapshot3.vmem": Memory,
		"/a/vmware-3.log": Log, "/a/a.vmx": Config, "/a/a.vmx~": Config, "/a/notes~": Temp, "/a/x.tmp": Temp, "/a/tools.iso": Other,
		"/.vSphere-HA/x/protectedlist": Host, "/.naa.600144f0/slotsfile": Host, "/vmkdump/x.dumpfile": Host, "/.hidden": Other, "/a": Other, "/": Other,
	} {
		if got := kindOf(name, vmfs.Regular, false); got != want {
			t.Errorf("%s is %v, not %v", name, got, want)
		}
	}
	if kindOf("/.fdc.sf", vmfs.System, false) != Metadata || kindOf("/a.vmdk", vmfs.Directory, true) != Directory {
		t.Error("system files are metadata, and directories are directories")
	}
	for k := Any + 1; k < kinds; k++ {
		b, err := k.MarshalText()
		var back Kind
		if err != nil || back.UnmarshalText(b) != nil || back != k || k.Text() == "" {
			t.Errorf("%d becomes %q and %v", k, b, back)
		}
	}
}

func TestDiskOf(t *testing.T) {
	for name, want := range map[string]string{
		"/a/web.vmdk": "/a/web.vmdk", "/a/web-flat.vmdk": "/a/web.vmdk", "/a/web-000001.vmdk": "/a/web.vmdk", "/a/web-000012-sesparse.vmdk": "/a/web.vmdk",
		"/a/web-000001-delta.vmdk": "/a/web.vmdk", "/a/web-000001-ctk.vmdk": "/a/web.vmdk", "/a/web_1-flat.vmdk": "/a/web_1.vmdk",
		"/a/web-12345.vmdk": "/a/web-12345.vmdk", "/a/web-2026112.vmdk": "/a/web-2026112.vmdk", "/a/-flat.vmdk": "/a/-flat.vmdk", "/a/-000001.vmdk": "/a/-000001.vmdk",
	} {
		if got := diskOf(name, kindOf(name, vmfs.Regular, false)); got != want {
			t.Errorf("%s is of %s, not %s", name, got, want)
		}
	}
}
