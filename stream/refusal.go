package stream

import (
	"fmt"
	"slices"
	"strings"
)

// A Refusal is why something is not done, and the way out. It is of its Kind for errors.Is.
type Refusal struct {
	Kind error
	Says string // with the names and GUIDs of both sides
	Way  string // a sentence
	// Flag is what the same command needs to go that way: "--rollback", "--reseed", or nothing.
	Flag string
}

// Error is what it says, without the way out.
func (r *Refusal) Error() string { return r.Says }

// Unwrap is the kind.
func (r *Refusal) Unwrap() error { return r.Kind }

// diverged refuses to overwrite what is newer at the destination than what both have.
func (p *planner) diverged(newer []Snapshot) error {
	return &Refusal{
		Kind: ErrBase,
		Says: fmt.Sprintf("%s has %s, which %s does not have; the newest that both have is %s",
			p.destination.Name, several(newer), p.source.Name, called(p.Common)),
		Way:  fmt.Sprintf("--rollback gives up %s at the destination, and goes on from %s.", several(newer), called(p.Common)),
		Flag: "--rollback",
	}
}

// unrelated refuses to start again over what is there.
func (p *planner) unrelated(snapshots []Snapshot) error {
	r := &Refusal{Kind: ErrBase, Flag: "--reseed"}
	if len(snapshots) == 0 {
		r.Says = fmt.Sprintf("%s is there, without any snapshot, and so nothing says that it was %s once", p.destination.Name, p.source.Name)
		r.Way = "--reseed sends everything, and gives up what it has when that has come."
		return r
	}
	r.Says = fmt.Sprintf("%s and %s have no snapshot in common: the newest are %s, and %s",
		p.source.Name, p.destination.Name, called(p.Newest), called(&snapshots[len(snapshots)-1]))
	r.Way = fmt.Sprintf("--reseed sends everything, and gives up %s at the destination when that has come.", several(snapshots))
	return r
}

// keeps refuses to give up what somebody holds, or made clones of.
func (p *planner) keeps(snapshots []Snapshot, flag string) error {
	volume := p.destination.Name
	for i := range snapshots {
		s := &snapshots[i]
		ours := func(tag string) bool { return tag == Tag(p.Job) }
		if foreign := slices.DeleteFunc(slices.Clone(s.Holds), ours); len(foreign) > 0 {
			return &Refusal{Kind: ErrHeld,
				Says: fmt.Sprintf("%s would give up %s of %s, which is held by %s", flag, called(s), volume, strings.Join(foreign, ", ")),
				Way:  wayOfHold(foreign[0], s)}
		}
		if len(s.Clones) > 0 {
			return &Refusal{Kind: ErrCloned,
				Says: fmt.Sprintf("%s would give up %s of %s, which has the clones %s", flag, called(s), volume, strings.Join(s.Clones, ", ")),
				Way:  "End the clones first: lunar dr end for those of tests."}
		}
	}
	return nil
}

// wayOfHold is what ends a hold.
func wayOfHold(tag string, s *Snapshot) string {
	if job, ours := strings.CutPrefix(tag, tagPrefix); ours {
		return fmt.Sprintf("If nobody needs it, let go of it first: lunar job delete %s.", job)
	}
	return fmt.Sprintf("If nobody needs it, let go of it first, at the destination: zfs release %q DATASET@%s.", tag, s.Name)
}

// several names snapshots, and does not go on for ever.
func several(snapshots []Snapshot) string {
	if n := len(snapshots); n > 3 {
		return fmt.Sprintf("%d snapshots from %s to %s", n, called(&snapshots[0]), called(&snapshots[n-1]))
	}
	var names []string
	for i := range snapshots {
		names = append(names, called(&snapshots[i]))
	}
	return strings.Join(names, ", ")
}

// called names a snapshot so that nobody takes it for another.
func called(s *Snapshot) string {
	if s.Bookmark {
		return fmt.Sprintf("#%s (GUID %d)", s.Name, s.GUID)
	}
	return fmt.Sprintf("%s (GUID %d)", s.Name, s.GUID)
}
