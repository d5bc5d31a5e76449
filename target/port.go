package target

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/scsi"
)

// A port is a target port: a target reached through a portal group (RFC 7143 §4.4.2).
type port struct {
	target string
	tag    uint16
}

// PortSeparator stands between a target and its portal group tag in the name of a target port (RFC
// 7143 §4.4.2).
const PortSeparator = ",t,"

// name returns the target port name (RFC 7143 §4.4.2).
func (p port) name() string { return fmt.Sprintf("%s%s0x%04x", p.target, PortSeparator, p.tag) }

// A Port is a target port with its relative target port identifier (SPC-5): a number from 1
// that no other port has. Initiators know a port again by it, so it stays the port's when the
// target or the portal group goes, and over restarts where its owner saves Ports.
type Port struct {
	Target string
	Tag    uint16
	Number uint16
}

var errManyPorts = errors.New("there are 65535 pairs of target and portal group already")

// Ports returns all ports that have numbers, those that are gone too, in order of the numbers.
func (d *Device) Ports() []Port {
	d.mu.Lock()
	defer d.mu.Unlock()
	ports := make([]Port, 0, len(d.ports))
	for p, n := range d.ports {
		ports = append(ports, Port{p.target, p.tag, n})
	}
	slices.SortFunc(ports, func(a, b Port) int { return cmp.Compare(a.Number, b.Number) })
	return ports
}

// RestorePorts gives ports the numbers that they had, before there are targets.
func (d *Device) RestorePorts(ports []Port) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := make(map[uint16]port)
	for _, p := range ports {
		key := port{p.Target, p.Tag}
		_, twice := d.ports[key]
		switch other, there := taken[p.Number]; {
		case there:
			return fmt.Errorf("relative target port identifier %d belongs to %s,%d and to %s,%d", p.Number, other.target, other.tag, p.Target, p.Tag)
		case twice:
			return fmt.Errorf("target port %s,%d has two relative target port identifiers", p.Target, p.Tag)
		case p.Number == 0:
			return fmt.Errorf("target port %s,%d has the relative target port identifier 0", p.Target, p.Tag)
		}
		taken[p.Number], d.ports[key] = key, p.Number
		d.lastPort = max(d.lastPort, p.Number)
	}
	return nil
}

// numberPorts gives numbers to those of the target's ports that have none yet. tags empty: all
// portal groups.
func (d *Device) numberPorts(target string, tags []uint16) error {
	if len(tags) == 0 {
		for tag := range d.groups {
			tags = append(tags, tag)
		}
		slices.Sort(tags)
	}
	for _, tag := range tags {
		p := port{target, tag}
		if _, there := d.ports[p]; there {
			continue
		}
		n, err := d.freeNumber(target)
		if err != nil {
			return err
		}
		d.ports[p] = n
	}
	return nil
}

// freeNumber returns the next number. When there is none, a port that is gone loses the lowest
// that such ports have; one of the target that numbers are for is about to come.
func (d *Device) freeNumber(target string) (uint16, error) {
	if d.lastPort < 1<<16-1 {
		d.lastPort++
		return d.lastPort, nil
	}
	var gone port
	lowest := uint16(0)
	for p, n := range d.ports {
		if p.target != target && !d.has(p) && (lowest == 0 || n < lowest) {
			gone, lowest = p, n
		}
	}
	if lowest == 0 {
		return 0, errManyPorts
	}
	delete(d.ports, gone)
	return lowest, nil
}

// TargetPorts returns the target ports that are there: any of them may lead to a unit.
func (d *Device) TargetPorts() []scsi.TargetPort {
	d.mu.Lock()
	defer d.mu.Unlock()
	ports := make([]scsi.TargetPort, 0, len(d.ports))
	for p, n := range d.ports {
		if d.has(p) {
			ports = append(ports, scsi.TargetPort{Name: p.name(), Relative: n})
		}
	}
	slices.SortFunc(ports, func(a, b scsi.TargetPort) int { return cmp.Compare(a.Relative, b.Relative) })
	return ports
}

// has reports whether the port is there.
func (d *Device) has(p port) bool {
	t, there := d.targets[p.target]
	_, group := d.groups[p.tag]
	return there && group && t.through(p.tag)
}
