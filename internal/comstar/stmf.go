package comstar

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/lunarsan/lunar/sbd"
)

// ReadSTMF reads svccfg export -a stmf. STMF keeps in SMF, as property groups of its service:
//
//	host_groups, target_groups   group_name-N: the name; group_name-N-member_list: its members
//	lu-GUID                      view_entry-N-GUID: a property without value for each view
//	view_entry-N-GUID            all_hosts, host_group, all_targets, target_group, lu_nbr
//	provider_data_pg_NAME        see readProviders
//	stmf_data                    default_lu_state, default_target_state
//
// There is no list of units: the provider sbd's has the stores, and views name units.
func ReadSTMF(r io.Reader) (*Config, error) {
	b, err := readBundle(r)
	if err != nil {
		return nil, err
	}
	s, err := b.service("system/stmf", "system/device/stmf")
	if err != nil {
		return nil, err
	}
	c := new(Config)
	if err := c.readProviders(s); err != nil {
		return nil, err
	}
	c.HostGroups = readGroups(s.group("host_groups"))
	c.TargetGroups = readGroups(s.group("target_groups"))
	if err := c.readViews(s); err != nil {
		return nil, err
	}
	c.judgeSTMF(s)
	c.sort()
	return c, nil
}

// readGroups reads the host groups or the target groups.
func readGroups(g propertyGroup) (groups []Group) {
	for _, p := range g.properties {
		number, ok := strings.CutPrefix(p.name, "group_name-")
		if _, err := strconv.ParseUint(number, 10, 64); !ok || err != nil || len(p.values) == 0 {
			continue
		}
		members, _ := g.values(p.name + "-member_list")
		groups = append(groups, Group{p.values[0], members})
	}
	return groups
}

// readViews reads the views that units refer to, and units that are known by their views only.
func (c *Config) readViews(s *service) error {
	known := make(map[string]bool)
	for _, u := range c.Units {
		known[u.Name] = true
	}
	entries := make(map[string]propertyGroup)
	for _, g := range s.groups {
		if strings.HasPrefix(g.name, "view_entry-") {
			entries[g.name] = g
		}
	}
	for _, g := range s.groups {
		digits, ok := strings.CutPrefix(g.name, "lu-")
		if !ok {
			continue
		}
		guid, err := sbd.ParseGUID(digits)
		if err != nil {
			return fmt.Errorf("property group %s: %w", g.name, err)
		}
		name := guid.String()
		if !known[name] {
			known[name] = true
			c.Units = append(c.Units, Unit{Name: name, GUID: guid})
			c.lose("the export has views of it and no store, which is then one that no longer exists, or that was made without being kept", "unit %s", name)
		}
		for _, p := range g.properties {
			number, ok := strings.CutPrefix(p.name, "view_entry-")
			number, rest := strings.CutSuffix(number, "-"+digits)
			if !ok || !rest {
				continue
			}
			entry, there := entries[p.name]
			if !there {
				c.lose("the unit refers to it and the export does not have it", "view entry %s of unit %s", number, name)
				continue
			}
			delete(entries, p.name)
			v, err := readView(entry)
			if err != nil {
				return err
			}
			v.Unit = name
			if v.Entry, err = strconv.Atoi(number); err != nil {
				return fmt.Errorf("property group %s: %w", p.name, err)
			}
			c.Views = append(c.Views, v)
		}
	}
	for _, g := range s.groups {
		if _, left := entries[g.name]; left {
			c.lose("no unit refers to it, so it had no effect", "%s", g.name)
		}
	}
	return nil
}

// readView reads a view entry.
func readView(g propertyGroup) (v View, err error) {
	if g.value("all_hosts") != "true" {
		v.HostGroup = g.value("host_group")
		if v.HostGroup == "" {
			return v, fmt.Errorf("property group %s: it is neither for all hosts nor for a host group", g.name)
		}
	}
	if g.value("all_targets") != "true" {
		v.TargetGroup = g.value("target_group")
		if v.TargetGroup == "" {
			return v, fmt.Errorf("property group %s: it is neither for all targets nor for a target group", g.name)
		}
	}
	lun, err := g.opaque("lu_nbr")
	switch {
	case err != nil:
		return v, err
	case len(lun) != 8:
		return v, fmt.Errorf("property lu_nbr of %s: %d bytes instead of 8", g.name, len(lun))
	case lun[0]>>6 > 1 || [6]byte(lun[2:]) != [6]byte{}:
		return v, fmt.Errorf("property lu_nbr of %s: %x is no LUN of one level", g.name, lun)
	}
	v.LUN = int(lun[0]&0x3f)<<8 | int(lun[1]) // SAM-5: peripheral device, or flat space addressing
	return v, nil
}

// judgeSTMF notes what means something else here.
func (c *Config) judgeSTMF(s *service) {
	for _, g := range c.TargetGroups {
		for _, m := range g.Members {
			if strings.HasPrefix(m, "wwn.") {
				c.lose("it is a Fibre Channel target, which cannot be served; it stays a member", "target %s in target group %s", m, g.Name)
			}
		}
	}
	data := s.group("stmf_data")
	if data.value("default_lu_state") == "default_lu_offline" {
		c.lose("units come online when the daemon starts", "default state offline of units")
	}
	if data.value("default_target_state") == "default_target_offline" {
		c.lose("targets come online when the daemon starts, unless they were taken offline", "default state offline of targets")
	}
}
