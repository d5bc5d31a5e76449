package bench

import (
	"fmt"
	"regexp"
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
func Sets() []Set { return []Set{quick(), memory(), conditions(), standard(), growth(), full()} }

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

// Matching is the set with only those loads whose names a regular expression matches; all for
// an empty one.
func (s Set) Matching(expr string) (Set, error) {
	re, err := regexp.Compile(expr)
	if err != nil || expr == "" {
		return s, err
	}
	s.Loads = slices.DeleteFunc(slices.Clone(s.Loads), func(l Load) bool { return !re.MatchString(l.String()) })
	return s, nil
}

// units is the most sparse units that a load of the set spreads over.
func (s Set) units() (n int) {
	for _, l := range s.Loads {
		n = max(n, l.Units)
	}
	return n
}

// uses reports whether a load of the set, or its storm, is on a medium.
func (s Set) uses(m Medium) bool {
	return slices.ContainsFunc(s.Loads, func(l Load) bool { return l.Medium == m || m == Scratch && l.Storm != Calm })
}

// quick is what a change is looked at with: some three minutes.
func quick() Set {
	return Set{Name: "quick", Rounds: 3, Loads: []Load{
		made(QemuImg, Read, 4<<10, 1),
		made(QemuImg, Write, 4<<10, 1),
		made(QemuImg, Read, 4<<10, 32),
		made(QemuImg, Write, 4<<10, 32),
		made(QemuImg, Read, 256<<10, 16),
		made(QemuImg, Write, 256<<10, 16),
		made(ISCSIPerf, Read, 4<<10, 32),
		made(InProcess, Mixed, 4<<10, 32),
	}}
}

// thousand are sessions that read once and idle, for their memory.
func thousand() Load { return made(InProcess, Idle, 4<<10, 0).sessions(1000) }

// memory is what sessions cost that do nothing.
func memory() Set { return Set{Name: "memory", Rounds: 3, Loads: []Load{thousand()}} }

// standard is what a release is judged by: every dimension once, in half an hour.
func standard() Set {
	s := Set{Name: "standard", Rounds: 4, Loads: quick().Loads}
	for _, p := range []Pattern{Read, Write} {
		for _, depth := range []int{8, 128} {
			s.Loads = append(s.Loads, made(QemuImg, p, 4<<10, depth))
		}
		for _, block := range []int{16 << 10, 64 << 10, 1 << 20} {
			s.Loads = append(s.Loads, made(QemuImg, p, block, 16))
		}
		for _, sessions := range []int{2, 4} {
			s.Loads = append(s.Loads, made(QemuImg, p, 4<<10, 32).sessions(sessions))
		}
	}
	s.Loads = append(s.Loads, made(ISCSIPerf, Read, 4<<10, 1), made(ISCSIPerf, Read, 256<<10, 16))
	s.Loads = append(s.Loads, inProcess(1)...)
	s.Loads = append(s.Loads, made(InProcess, Read, 4<<10, 1).sessions(1000), thousand())
	return s
}

// inProcess are the loads that only our own initiator makes, or tells the latencies of.
func inProcess(sessions int) (loads []Load) {
	for _, l := range []Load{
		made(InProcess, Read, 4<<10, 1),
		made(InProcess, Read, 4<<10, 32),
		made(InProcess, Write, 4<<10, 32),
		made(InProcess, Mixed, 4<<10, 1),
		made(InProcess, Read, 4<<10, 32).digests(BothDigests),
		made(InProcess, Read, 256<<10, 16).digests(BothDigests),
	} {
		loads = append(loads, l.sessions(sessions))
	}
	return loads
}

// full is everything: some hours.
func full() Set {
	s := Set{Name: "full", Rounds: 3}
	depths, blocks := []int{1, 8, 32, 128}, []int{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}
	for _, sessions := range []int{1, 2, 4} {
		for _, block := range blocks {
			for _, depth := range depths {
				for _, p := range []Pattern{Read, Write} {
					s.Loads = append(s.Loads, made(QemuImg, p, block, depth).sessions(sessions))
				}
			}
		}
		s.Loads = append(s.Loads, inProcess(sessions)...)
	}
	for _, block := range blocks {
		for _, depth := range depths {
			s.Loads = append(s.Loads, made(ISCSIPerf, Read, block, depth), made(InProcess, Mixed, block, depth))
		}
	}
	for _, sessions := range []int{100, 1000} {
		s.Loads = append(s.Loads, made(InProcess, Read, 4<<10, 1).sessions(sessions))
	}
	s.Loads = distinct(append(s.Loads, conditions().Loads...))
	return s
}

// growth shows how cost grows along each axis, all else equal.
func growth() Set {
	axis := func(name string, of func(Load) int, with func(*Load, int), values ...int) Axis {
		a := Axis{Name: name, Of: of}
		for _, v := range values {
			l := made(InProcess, Read, 4<<10, 32)
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
	s.Loads = append(distinct(s.Loads), thousand())
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
