package main

import (
	"fmt"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/dmu"
)

// readToken reads --token, with which a stream that was cut goes on.
func (g *generation) readToken() error {
	if g.token == "" {
		return nil
	}
	var err error
	if g.o.Resume, err = dmu.ParseToken(g.token); err != nil {
		return tokenProblem(err)
	}
	return nil
}

// tokenProblem is why a token cannot be read.
func tokenProblem(err error) error {
	return &control.Problem{Title: err.Error(), Hint: "A token is what zfs get receive_resume_token prints, all of it: 1-...-...-..."}
}

// resumeFrom has the stream go on from what the token says, where --since does not.
func (g *generation) resumeFrom(r *dmu.Request) error {
	t := g.o.Resume
	if t == nil {
		return nil
	}
	r.Intact = r.Intact || g.unchanged
	if t.FromGUID == 0 || r.From != nil || r.Since != nil {
		return nil
	}
	if r.From = r.Chain.Find(t.FromGUID); r.From == nil {
		return &control.Problem{
			Title: fmt.Sprintf("the token is of a stream since the snapshot with GUID %d, which %s has not been", t.FromGUID, g.from),
			Hint:  "Name the store that the stream was made of.",
		}
	}
	return nil
}

// resumes says whether the store is what the token is of.
func (g *generation) resumes(p *dmu.Plan) error {
	t := g.o.Resume
	switch {
	case t == nil || !p.New && p.Snapshot.GUID == t.ToGUID:
		return nil
	case p.Chain.Find(t.ToGUID) == nil:
		return &control.Problem{
			Title: fmt.Sprintf("the token is of %s (GUID %d), which is not in the record of %s", t.ToName, t.ToGUID, g.from),
			Hint:  "Name the store that the stream which was cut was made of; a token of a ZFS sender is for zfs send -t.",
		}
	}
	return &control.Problem{
		Title: fmt.Sprintf("%s is not %s (GUID %d) any more, as far as is known, and the token is of that", g.from, t.ToName, t.ToGUID),
		Hint:  "Name a copy from that time, with its record. If nobody wrote to this one, say so with --unchanged.",
	}
}
