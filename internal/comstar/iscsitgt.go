package comstar

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lunarsan/lunar/sbd"
)

// ReadISCSITGT reads svccfg export -a iscsitgt, the daemon before COMSTAR. It keeps in SMF, as
// property groups of its service, in whose names __1 stands for a dot and __2 for a colon:
//
//	iscsitgt             the defaults of iscsitadm modify admin
//	target_NAME          iscsi-name, alias, lun-list, acl-list of initiators, tpgt-list
//	param_NAME_LUN       backing-store, size in blocks of 512 bytes (0x...), guid, vid, pid, dtype
//	initiator_NAME       iscsi-name, chap-name
//	tpgt_TAG             ip-address-list
//	passwords            main, radius, I_NAME: secrets in base 64
//
// A LUN belongs to one target there, and a list of initiators may guard the target. Here it is a
// unit with a view: for the target group of the target, and the host group of its list, which
// both have the target's name. Targets that the property shareiscsi of a file system made are not
// in the export.
func ReadISCSITGT(r io.Reader) (*Config, error) {
	b, err := readBundle(r)
	if err != nil {
		return nil, err
	}
	s, err := b.service("system/iscsitgt")
	if err != nil {
		return nil, err
	}
	i := iscsitgt{
		Config:     new(Config),
		groups:     make(map[string]propertyGroup),
		initiators: make(map[string]string),
		byPath:     make(map[string]int),
		entries:    make(map[string]int),
	}
	for _, g := range s.groups {
		i.groups[decodeName(g.name)] = g
	}
	if err := i.readAdmin(); err != nil {
		return nil, err
	}
	for _, kind := range []struct {
		prefix string
		read   func(name string, g propertyGroup) error
	}{
		{"initiator_", i.readInitiator},
		{"tpgt_", i.readPortalGroup},
		{"target_", i.readTarget},
	} {
		for _, name := range slices.Sorted(keysWith(i.groups, kind.prefix)) {
			if err := kind.read(strings.TrimPrefix(name, kind.prefix), i.groups[name]); err != nil {
				return nil, err
			}
		}
	}
	i.sort()
	return i.Config, nil
}

// An iscsitgt is an import under way.
type iscsitgt struct {
	*Config
	groups     map[string]propertyGroup // by name, decoded
	initiators map[string]string        // iSCSI names by the names that iscsitadm gave
	byPath     map[string]int           // units by store
	entries    map[string]int           // views by unit
}

// keysWith yields the keys of m that begin with prefix.
func keysWith[V any](m map[string]V, prefix string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if strings.HasPrefix(key, prefix) && !yield(key) {
				return
			}
		}
	}
}

// decodeName undoes what the daemon did to names that SMF does not take.
func decodeName(name string) string {
	return strings.NewReplacer("__1", ".", "__2", ":").Replace(name)
}

func (i *iscsitgt) readPortalGroup(name string, g propertyGroup) error {
	addresses, _ := g.values("ip-address-list")
	group := PortalGroup{Name: name}
	for _, a := range addresses {
		group.Portals = append(group.Portals, withPort(a))
	}
	i.PortalGroups = append(i.PortalGroups, group)
	return nil
}

// withPort returns an address with iSCSI's port.
func withPort(address string) string {
	if strings.Contains(address, ":") {
		address = "[" + strings.Trim(address, "[]") + "]"
	}
	return address + ":3260"
}

func (i *iscsitgt) readTarget(name string, g propertyGroup) error {
	t := Target{Name: g.value("iscsi-name"), Alias: g.value("alias")}
	if t.Name == "" {
		return fmt.Errorf("target %s has no iSCSI name", name)
	}
	tags, _ := g.values("tpgt-list")
	for _, tag := range tags {
		n, err := strconv.ParseUint(tag, 10, 16)
		if err != nil {
			return fmt.Errorf("target %s: portal group %q: want a tag", name, tag)
		}
		t.Groups = append(t.Groups, GroupTag{tag, uint16(n)})
	}
	slices.SortFunc(t.Groups, func(a, b GroupTag) int { return cmp.Compare(a.Tag, b.Tag) })

	i.TargetGroups = append(i.TargetGroups, Group{name, []string{t.Name}})
	hosts := ""
	guards, _ := g.values("acl-list")
	if len(guards) > 0 {
		hosts = name
		i.HostGroups = append(i.HostGroups, i.guard(name, guards))
	}
	i.authenticate(&t, name, guards)
	i.Targets = append(i.Targets, t)

	luns, _ := g.values("lun-list")
	for _, digits := range luns {
		lun, err := strconv.ParseUint(digits, 10, 14)
		if err != nil {
			return fmt.Errorf("target %s: LUN %q: want a number below 16,384", name, digits)
		}
		unit, ok, err := i.readUnit(name, t.Name, digits)
		if err != nil {
			return err
		}
		if ok {
			i.Views = append(i.Views, View{unit, i.entries[unit], hosts, name, int(lun)})
			i.entries[unit]++
		}
	}
	return nil
}

// guard returns the host group of a target's list of initiators.
func (i *iscsitgt) guard(target string, guards []string) Group {
	group := Group{Name: target}
	for _, local := range guards {
		name, ok := i.initiators[local]
		if !ok {
			i.lose("the export does not say what its iSCSI name is", "initiator %s, which target %s lets in", local, target)
			continue
		}
		group.Members = append(group.Members, name)
	}
	return group
}

// readUnit reads the unit behind a LUN of a target and returns its name: that of another LUN
// with the same store, if there is one. False stands for one that cannot be carried.
func (i *iscsitgt) readUnit(target, iscsiName, lun string) (name string, ok bool, err error) {
	name = target + "/" + lun
	g, ok := i.groups["param_"+target+"_"+lun]
	if !ok {
		g, ok = i.groups["param_"+iscsiName+"_"+lun]
	}
	if !ok {
		i.lose("the export has no parameters of it", "LUN %s", name)
		return "", false, nil
	}
	if kind := g.value("dtype"); kind != "disk" && kind != "" {
		i.lose("only disks are served, and it is of type "+strconv.Quote(kind), "LUN %s", name)
		return "", false, nil
	}
	u := Unit{Name: name, Path: g.value("backing-store"), Vendor: g.value("vid"), Product: g.value("pid")}
	if u.Path == "" {
		base := i.groups["iscsitgt"].value("base-directory")
		if base == "" {
			i.lose("its store is in the daemon's own directory, which the export does not name", "LUN %s", name)
			return "", false, nil
		}
		u.Path = base + "/" + iscsiName + "/lun." + lun
	}
	if size := g.value("size"); size != "" {
		blocks, err := strconv.ParseUint(size, 0, 63)
		if err != nil || blocks > math.MaxInt64/512 {
			return "", false, fmt.Errorf("LUN %s: size %q: want a number of blocks of 512 bytes", name, size)
		}
		u.Size = int64(blocks) * 512
	}
	guid := strings.TrimPrefix(g.value("guid"), "0x")
	if u.GUID, err = sbd.ParseGUID(guid); err != nil && strings.Trim(guid, "0") != "" {
		i.lose("it is no NAA identifier of 16 bytes, so the unit gets another one, and initiators take it for another disk", "GUID %s of LUN %s", guid, name)
	}
	if other, same := i.byPath[u.Path]; same {
		if i.Units[other].GUID != u.GUID {
			i.lose("LUN "+i.Units[other].Name+" has the same store, and a store has one GUID", "GUID %s of LUN %s", guid, name)
		}
		return i.Units[other].Name, true, nil
	}
	i.byPath[u.Path] = len(i.Units)
	i.Units = append(i.Units, u)
	return name, true, nil
}
