package bench

import (
	"fmt"
	"slices"
	"strings"
)

// A Set is a choice of loads.
type Set struct {
	Name   string
	Rounds int // how many of them, unless said otherwise
	Loads  []Load
	Axes   []Axis // for line charts; nil: bars
}

// An Axis is a row of loads that differ in one thing.
type Axis struct {
	Name  string
	Of    func(Load) int
	Loads []Load
}

// Sets are those that one can choose from, the quickest first.
func Sets() []Set { return []Set{quick(), standard(), full(), growth()} }

// FindSet returns the set with the name.
func FindSet(name string) (Set, error) {
	var names []string
	for _, s := range Sets() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Set{}, fmt.Errorf("no set %q: choose %s", name, strings.Join(names, ", "))
}

// units is the most sparse units that a load of the set spreads over.
func (s Set) units() (n int) {
	for _, l := range s.Loads {
		n = max(n, l.Units)
	}
	return n
}

// quick is what a change is looked at with: some three minutes.
func quick() Set {
	return Set{Name: "quick", Rounds: 3, Loads: []Load{
		{QemuImg, Read, 4 << 10, 1, 1, 0, false},
		{QemuImg, Write, 4 << 10, 1, 1, 0, false},
		{QemuImg, Read, 4 << 10, 32, 1, 0, false},
		{QemuImg, Write, 4 << 10, 32, 1, 0, false},
		{QemuImg, Read, 256 << 10, 16, 1, 0, false},
		{QemuImg, Write, 256 << 10, 16, 1, 0, false},
		{ISCSIPerf, Read, 4 << 10, 32, 1, 0, false},
		{InProcess, Mixed, 4 << 10, 32, 1, 0, false},
	}}
}

// standard is what a release is judged by: half an hour.
func standard() Set {
	s := Set{Name: "standard", Rounds: 5, Loads: quick().Loads}
	for _, p := range []Pattern{Read, Write} {
		for _, depth := range []int{8, 128} {
			s.Loads = append(s.Loads, Load{QemuImg, p, 4 << 10, depth, 1, 0, false})
		}
		for _, block := range []int{16 << 10, 64 << 10, 1 << 20} {
			s.Loads = append(s.Loads, Load{QemuImg, p, block, 16, 1, 0, false})
		}
		s.Loads = append(s.Loads, Load{QemuImg, p, 4 << 10, 32, 4, 0, false})
	}
	s.Loads = append(s.Loads,
		Load{ISCSIPerf, Read, 4 << 10, 1, 1, 0, false},
		Load{ISCSIPerf, Read, 256 << 10, 16, 1, 0, false},
	)
	s.Loads = append(s.Loads, inProcess(1)...)
	return s
}

// inProcess are the loads that only our own initiator makes, or tells the latencies of.
func inProcess(sessions int) []Load {
	return []Load{
		{InProcess, Read, 4 << 10, 1, sessions, 0, false},
		{InProcess, Read, 4 << 10, 32, sessions, 0, false},
		{InProcess, Write, 4 << 10, 32, sessions, 0, false},
		{InProcess, Mixed, 4 << 10, 1, sessions, 0, false},
		{InProcess, Read, 4 << 10, 32, sessions, 0, true},
		{InProcess, Read, 256 << 10, 16, sessions, 0, true},
	}
}

// full is everything: some hours.
func full() Set {
	s := Set{Name: "full", Rounds: 3}
	depths, blocks := []int{1, 8, 32, 128}, []int{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}
	for _, sessions := range []int{1, 2, 4} {
		for _, block := range blocks {
			for _, depth := range depths {
				for _, p := range []Pattern{Read, Write} {
					s.Loads = append(s.Loads, Load{QemuImg, p, block, depth, sessions, 0, false})
				}
			}
		}
		s.Loads = append(s.Loads, inProcess(sessions)...)
	}
	for _, block := range blocks {
		for _, depth := range depths {
			s.Loads = append(s.Loads,
				Load{ISCSIPerf, Read, block, depth, 1, 0, false},
				Load{InProcess, Mixed, block, depth, 1, 0, false},
			)
		}
	}
	for _, sessions := range []int{100, 1000} {
		s.Loads = append(s.Loads, Load{InProcess, Read, 4 << 10, 1, sessions, 0, false})
	}
	s.Loads = distinct(s.Loads)
	return s
}

// growth shows how cost grows along each axis, all else equal.
func growth() Set {
	base := Load{InProcess, Read, 4 << 10, 32, 1, 0, false}
	axis := func(name string, of func(Load) int, with func(*Load, int), values ...int) Axis {
		a := Axis{Name: name, Of: of}
		for _, v := range values {
			l := base
			with(&l, v)
			a.Loads = append(a.Loads, l)
		}
		return a
	}
	s := Set{Name: "growth", Rounds: 3, Axes: []Axis{
		axis("sessions, QD1 each", func(l Load) int { return l.Sessions },
			func(l *Load, n int) { l.Sessions, l.Depth = n, 1 }, 1, 4, 16, 64, 256, 1000),
		axis("queue depth", func(l Load) int { return l.Depth },
			func(l *Load, n int) { l.Depth = n }, 1, 2, 4, 8, 16, 32, 64, 128),
		axis("units, QD32", func(l Load) int { return l.Units },
			func(l *Load, n int) { l.Units = n }, 1, 4, 16, 64, 256, 1000),
		axis("block in KiB, QD32", func(l Load) int { return l.Block >> 10 },
			func(l *Load, n int) { l.Block = n << 10 }, 4, 16, 64, 256, 1024),
	}}
	for _, a := range s.Axes {
		s.Loads = append(s.Loads, a.Loads...)
	}
	s.Loads = distinct(s.Loads)
	return s
}

// distinct leaves out loads that were there before.
func distinct(loads []Load) (out []Load) {
	for _, l := range loads {
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}
