package zfs

import (
	"context"
	"fmt"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

// A remnant is what a receive may have left of a dataset.
type remnant struct {
	token        string // receive_resume_token; empty: there is none
	inconsistent bool   // its first snapshot has not come whole
}

// whole says whether the dataset is what it was before a receive, or after.
func (r remnant) whole() bool { return r.token == "" && !r.inconsistent }

// partial is what the token says.
func (r remnant) partial(dataset string) (*stream.Partial, error) {
	if r.token == "" {
		return nil, nil
	}
	token, err := dmu.ParseToken(r.token)
	if err != nil {
		return nil, fmt.Errorf("%s: its property receive_resume_token: %w", dataset, err)
	}
	return &stream.Partial{GUID: token.ToGUID, From: token.FromGUID, Name: token.ToName, Bytes: int64(token.Bytes), Token: r.token}, nil
}

// left asks about the volume, and about what is beside it while it is received anew: those that
// there are, by their names.
func (v *Volume) left(ctx context.Context) (map[string]remnant, error) {
	there := make(map[string]remnant)
	args := []string{"get", "-Hp", "-o", "name,property,value", "receive_resume_token,inconsistent", v.dataset}
	for _, mark := range [...]string{newMark, oldMark} {
		if CheckDataset(v.dataset+mark) == nil { // beside one with a long name there is nothing
			args = append(args, v.dataset+mark)
		}
	}
	err := lines(ctx, v.run, func(fields []string) error {
		if len(fields) != 3 {
			return fmt.Errorf("%s: zfs get says %q, not a name, a property and a value", v.dataset, fields)
		}
		r := there[fields[0]]
		switch value := fields[2]; {
		case fields[1] == "inconsistent":
			r.inconsistent = value == "1"
		case value != "-":
			r.token = value
		}
		there[fields[0]] = r
		return nil
	}, args...)
	if err != nil && kindOf(err) != errMissing { // it tells of the others all the same
		return nil, v.explain(ctx, err)
	}
	return there, nil
}

// Partial reads the property receive_resume_token, of the volume or of what is received beside it.
func (v *Volume) Partial(ctx context.Context) (*stream.Partial, error) {
	there, err := v.left(ctx)
	if err != nil {
		return nil, err
	}
	fresh := v.sibling(newMark)
	for _, at := range []string{v.dataset, fresh.dataset} {
		if p, err := there[at].partial(at); p != nil || err != nil {
			return p, err
		}
	}
	if is, ok := there[fresh.dataset]; !ok || !is.whole() {
		return nil, nil
	}
	all, err := fresh.Snapshots(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	newest := all[len(all)-1]
	return &stream.Partial{GUID: newest.GUID, Name: fresh.dataset + "@" + newest.Name}, nil
}

// Abandon throws away what Partial tells of. Where it would have been the first snapshot, the
// dataset goes with it.
func (v *Volume) Abandon(ctx context.Context) error {
	there, err := v.left(ctx)
	if err != nil {
		return err
	}
	if there[v.dataset].token != "" {
		return v.zfs(ctx, "receive", "-A", v.dataset)
	}
	return v.restore(ctx, there)
}
