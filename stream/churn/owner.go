package churn

import (
	"path"
	"strings"
)

// An Owner is whose bytes a range has. Fields that say nothing are empty.
type Owner struct {
	Datastore string `json:"datastore,omitempty"` // label of the VMFS volume
	Machine   string `json:"machine,omitempty"`   // directory that has a .vmx, without the first /
	Disk      string `json:"disk,omitempty"`      // path of the descriptor of the virtual disk, as it was without snapshots
	Path      string `json:"path,omitempty"`      // of the file
	Kind      Kind   `json:"kind,omitzero"`
}

// isMachine says whether a file makes its directory that of a virtual machine, or a template.
func isMachine(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".vmx" || ext == ".vmtx"
}

// machineOf is the machine that a file belongs to: the innermost directory above it that is one.
func machineOf(file string, machines map[string]bool) string {
	for dir := path.Dir(file); dir != "/" && dir != "."; dir = path.Dir(dir) {
		if machines[dir] {
			return dir[1:]
		}
	}
	return ""
}

// diskOf is the descriptor of the virtual disk that a file has bytes of: web-flat.vmdk,
// web-ctk.vmdk, web-000001.vmdk and web-000001-sesparse.vmdk are all of web.vmdk.
func diskOf(file string, k Kind) string {
	if k != Disk && k != Delta && k != Tracking {
		return ""
	}
	const ext = ".vmdk"
	name := file[:len(file)-len(ext)]
	for _, part := range []string{"-flat", "-delta", "-sesparse", "-ctk", "-rdmp", "-rdm"} {
		if whole, ok := strings.CutSuffix(name, part); ok {
			name = whole
			break
		}
	}
	if i := len(name) - 7; i > 0 && name[i] == '-' && strings.Trim(name[i+1:], "0123456789") == "" {
		name = name[:i]
	}
	if strings.HasSuffix(name, "/") {
		return file
	}
	return name + ext
}
