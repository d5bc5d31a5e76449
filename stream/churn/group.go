package churn

import "strings"

// How places are taken together in a list: each function leaves of a place what several have in
// common.

func byUnit(p place) place { return place{unit: p.unit} }

func byKind(p place) place { return place{Owner: Owner{Kind: p.Kind}} }

// byFile has files as they are, on whichever units they lie.
func byFile(p place) place {
	if p.Kind != Outside && p.Kind != Unknown {
		p.unit = ""
	}
	return p
}

// byDisk takes the files of a virtual disk together.
func byDisk(p place) place {
	if p.Disk == "" {
		return byFile(p)
	}
	return place{Owner: Owner{Datastore: p.Datastore, Machine: p.Machine, Disk: p.Disk}}
}

// byMachine takes the files of a virtual machine together, what the file system has for itself,
// and all files that are of no machine.
func byMachine(p place) place {
	switch {
	case p.Machine != "":
		return place{Owner: Owner{Datastore: p.Datastore, Machine: p.Machine}}
	case p.Kind == Outside || p.Kind == Unknown || p.Kind == Free:
		return byFile(p)
	case p.Kind <= Heartbeat:
		return place{Owner: Owner{Datastore: p.Datastore, Kind: Metadata}}
	}
	return place{Owner: Owner{Datastore: p.Datastore, Kind: Other}}
}

// A naming is how places are named for people.
type naming struct {
	datastores bool // there are several: names say which
}

func (n naming) machine(p place) string {
	switch {
	case p.Machine != "":
		return n.on(p, p.Machine)
	case p.Kind == Other:
		return n.on(p, "files of no machine")
	}
	return n.file(p)
}

func (n naming) file(p place) string {
	switch {
	case p.Disk != "" && p.Path == "":
		return n.on(p, p.Disk)
	case p.Path != "":
		return n.on(p, p.Path)
	case p.unit != "":
		return p.unit + ", " + p.Kind.Text()
	}
	return n.on(p, p.Kind.Text())
}

// on puts the datastore in front, as vSphere writes it: [store] web/web.vmdk.
func (n naming) on(p place, name string) string {
	if !n.datastores {
		return name
	}
	return "[" + p.Datastore + "] " + strings.TrimPrefix(name, "/")
}
