package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/shelf"
	"github.com/lunarsan/lunar/stream/wire"
)

// A sending is a snapshot, or several, on their way.
type sending struct {
	take     string
	layers   bool
	from     string
	name     string
	all      bool
	history  bool
	rollback bool
	reseed   stream.Reseed
	plain    bool
	raw      bool
	retries  int
	dryRun   bool
	force    bool
	linking
	output

	c            *cli
	source, dest *endpoint
	bar          *sendProgress
}

// sent is what came of it.
type sent struct {
	Source  string         `json:"source"`
	Dest    string         `json:"dest"`
	Steps   []stream.Done  `json:"steps"`
	Bytes   int64          `json:"bytes"` // of streams
	Took    time.Duration  `json:"took"`
	Traffic *wire.Traffic  `json:"traffic,omitempty"`
	Outcome stream.Outcome `json:"outcome"`
}

// send moves snapshots.
func (c *cli) send() *cobra.Command {
	s := sending{c: c}
	cmd := c.verb("send SOURCE DEST", "Send a snapshot of a volume to another volume, machine or file", func(cmd *cobra.Command, args []string) error {
		if s.history && !s.all {
			return misuse(cmd, "--history sends every snapshot: it needs --all")
		}
		return s.run(cmd.Context(), args[0], args[1])
	})
	cmd.Long = `Send a snapshot of a volume to another volume, machine or file.

SOURCE and DEST are

    tank/vm1, /srv/vm1.img, lu:GUID     a volume of this machine: a dataset, a file, a unit
    lunar://HOST[:PORT]/VOLUME          one of a machine that runs lunar receive --listen
    PEER:VOLUME                         one of a peer of the daemon (lunar peer list)
    ssh://[USER@]HOST[:PORT]/VOLUME     one of a machine that ssh leads to
    file:PATH, -                        a ZFS send stream in a file, or a pipe

VOLUME is as the other machine writes it, so a path has two slashes: ssh://b//srv/vm1.img. Behind
the SOURCE, @SNAPSHOT says which; otherwise it is the newest. What the destination has already is
found by the GUIDs of snapshots, and only what changed since is sent. A stream that was cut goes
on where it was: while both run, whatever becomes of the connections; and after that when the same
command is given again.

    lunar send tank/vm1@monday ssh://backup@site-b/pool/vm1
    lunar send /srv/vm1.img lunar://site-b//srv/replica/vm1.img --fingerprint lunar1-...
    lunar send lunar://site-b/pool/vm1@monday /srv/restored.img --fingerprint lunar1-...
    lunar send tank/vm1@monday - --from sunday | zfs receive pool/vm1
    zfs send -R tank/vms@monday | lunar send - ssh://backup@site-b/pool/vms

A stream in a file or a pipe may be a package of several snapshots (zfs send -R, -I, -p). Each
becomes one by itself, those of tank/vms/vm1 in pool/vms/vm1; what is there already is passed over,
and properties are left out.`
	f := cmd.Flags()
	f.StringVar(&s.take, "take", "", "take a snapshot `NAME` of the source first, and send that")
	f.BoolVar(&s.layers, "layers", false, "with --take: put layers on a file where there are no reflinks; lunar alone may write to it from then on")
	f.StringVar(&s.from, "from", "", "send what changed since this `SNAPSHOT` of the source, or #BOOKMARK, without asking what the destination has")
	f.BoolVar(&s.all, "all", false, "send each snapshot since the newest that both have, and not the last alone")
	f.BoolVar(&s.history, "history", false, "with --all, where the destination has nothing: begin with the oldest")
	f.StringVar(&s.name, "name", "", "of a stream in a file: call the snapshot `NAME` at the destination")
	f.BoolVar(&s.rollback, "rollback", false, "give up what was written to the destination, and its snapshots, since the newest that both have")
	reseedFlag(f, &s.reseed)
	f.BoolVar(&s.plain, "plain", false, "send blocks as they read, and not compressed as they are stored")
	f.BoolVar(&s.raw, "raw", false, "send encrypted blocks as they are (zfs send -w)")
	f.IntVar(&s.retries, "retries", 5, "try again `N` times after an error that may pass")
	f.BoolVar(&s.dryRun, "dry-run", false, "print what would be sent, and send nothing")
	f.BoolVar(&s.force, "force", false, "write over a file that is there already")
	s.linking.flags(cmd)
	return s.flag(cmd)
}

func (s *sending) run(ctx context.Context, source, dest string) (err error) {
	if s.source, err = s.c.endpoint(ctx, source, &s.linking); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.source.close()) }()
	if s.dest, err = s.c.endpoint(ctx, dest, &s.linking); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.dest.close()) }()
	switch {
	case s.dest.snapshot != "":
		return &usageError{fmt.Sprintf("%s: a destination has no @", dest), "The snapshot has the same name there; --name gives another one to a stream of a file."}
	case s.source.volume == nil && s.dest.volume == nil:
		return &usageError{"neither is a volume", "cp copies a stream from a file to another."}
	case s.dryRun && (s.source.volume == nil || s.dest.volume == nil || s.from != ""):
		return &usageError{"--dry-run plans the way from one volume to another", "Name two volumes, without --from."}
	case s.take != "" && (s.source.volume == nil || s.source.snapshot != "" || s.dryRun):
		return &usageError{"--take makes a new snapshot of a volume", "Name a volume without an @, and leave out --dry-run."}
	case s.dryRun:
		return s.plan(ctx)
	}
	if s.take != "" {
		if v, ok := s.source.volume.(*shelf.Shelf); ok && !s.layers && !strings.HasPrefix(source, "lu:") {
			v.Share()
		}
		if _, err := s.source.volume.Take(ctx, s.take); err != nil {
			return s.refused(err)
		}
		s.source.snapshot = s.take
	}
	begun := time.Now()
	s.bar = s.c.sendProgress(s)
	out := sent{Source: source, Dest: dest}
	switch {
	case s.source.volume == nil:
		out.Outcome, err = s.fromFile(ctx)
	case s.dest.volume == nil:
		out.Outcome.Done, err = s.toFile(ctx)
	case s.from != "":
		out.Outcome.Done, err = s.fromSnapshot(ctx)
	default:
		out.Outcome, err = stream.Replicate(ctx, s.source.volume, s.dest.volume, stream.Options{Want: s.want(), Retry: s.retry, Progress: s.bar.step})
	}
	s.bar.done()
	out.Took = time.Since(begun)
	return errors.Join(s.report(&out), s.refused(err))
}

// want is what the command line asks for.
func (s *sending) want() stream.Want {
	return stream.Want{Until: s.source.snapshot, Every: s.all, History: s.history, Rollback: s.rollback, Reseed: s.reseed, Form: s.form()}
}

func (s *sending) form() stream.Send {
	return stream.Send{Compressed: !s.plain, Large: true, Embedded: true, Raw: s.raw}
}

// retry says how long to wait before the next attempt. What is wrong with a volume stays wrong;
// a link comes back, and a volume is in use until the other side has given up a client that was
// killed.
func (s *sending) retry(failures int, err error) (time.Duration, bool) {
	var remote *wire.RemoteError
	linked := s.source.link != nil || s.dest.link != nil
	passes := errors.Is(err, wire.ErrLink) || errors.Is(err, stream.ErrStream) || linked && (!errors.As(err, &remote) || errors.Is(err, stream.ErrInUse))
	if failures > s.retries || !passes || errors.Is(err, wire.ErrUnknownKey) {
		return 0, false
	}
	wait := min(time.Second<<(failures-1), time.Minute)
	s.c.warn("%v; trying again in %s", err, wait)
	return wait, true
}

// refused is err with the way out.
func (s *sending) refused(err error) error {
	var refusal *stream.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal) && errors.Is(err, stream.ErrNoSnapshot) && s.source.snapshot == "":
		return &control.Problem{Title: refusal.Says, Hint: "Take one with --take NAME."}
	case errors.As(err, &refusal):
		return &control.Problem{Title: refusal.Says, Hint: refusal.Way}
	case errors.Is(err, shelf.ErrLayers):
		return &control.Problem{Title: err.Error(), Hint: "Make it a unit (lunar lu create), keep it on xfs or btrfs, or say --layers: whoever writes to it afterwards without lunar destroys its snapshots."}
	case errors.Is(err, stream.ErrForbidden):
		return &control.Problem{Title: err.Error(), Hint: "What others may do is said over there, where lunar receive is started."}
	case errors.Is(err, exec.ErrNotFound):
		return &control.Problem{Title: err.Error(), Hint: "A dataset needs ZFS's own command; a file is written with its folder: ./disk.img."}
	case errors.Is(err, wire.ErrLink), errors.Is(err, stream.ErrStream):
		return &control.Problem{Title: err.Error(), Hint: "Give the same command again: it goes on where this one was."}
	}
	return err
}

// snapshot finds the source's snapshot: the one that is named, or the newest.
func (s *sending) snapshot(ctx context.Context) (stream.Snapshot, error) {
	list, err := s.source.volume.Snapshots(ctx)
	if err != nil {
		return stream.Snapshot{}, err
	}
	for i := len(list) - 1; i >= 0; i-- {
		if !list[i].Bookmark && (s.source.snapshot == "" || list[i].Name == s.source.snapshot) {
			return list[i], nil
		}
	}
	return stream.Snapshot{}, &control.Problem{Title: fmt.Sprintf("%s: %v", s.source.name, stream.ErrNoSnapshot), Hint: "Take one with --take NAME."}
}

// make has the source make a stream of a snapshot.
func (s *sending) make(ctx context.Context) (stream.Snapshot, io.ReadCloser, error) {
	to, err := s.snapshot(ctx)
	if err != nil {
		return to, nil, err
	}
	ask := s.form()
	ask.Snapshot, ask.From = to.Name, s.from
	total, err := s.source.volume.Estimate(ctx, ask)
	if err != nil {
		total = 0 // it is for the progress alone
	}
	in, err := s.source.volume.Send(ctx, ask)
	s.bar.begin("sending "+s.source.name, total)
	return to, in, err
}

// fromSnapshot sends what changed since a snapshot, and leaves it to the destination to refuse it.
func (s *sending) fromSnapshot(ctx context.Context) ([]stream.Done, error) {
	to, in, err := s.make(ctx)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	got, err := s.dest.volume.Receive(ctx, s.bar.reader(in), stream.Receive{Rollback: s.rollback})
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	return []stream.Done{{Kind: stream.Increment, From: s.from, To: got.Name, GUID: to.GUID, Bytes: s.bar.bytes(), Took: time.Since(begun)}}, nil
}

// toFile writes a stream to a file, or standard output.
func (s *sending) toFile(ctx context.Context) ([]stream.Done, error) {
	if s.json && s.dest.file == "-" {
		return nil, &usageError{"--json prints what was sent: the stream is in the way", "Name a file for the stream: file:PATH."}
	}
	kind := stream.Full
	if s.from != "" {
		kind = stream.Increment
	}
	begun := time.Now()
	var to stream.Snapshot
	err := s.c.writeStream(&streamOutput{path: s.dest.file, force: s.force}, func(out io.Writer) error {
		var in io.ReadCloser
		var err error
		if to, in, err = s.make(ctx); err != nil {
			return err
		}
		_, err = io.Copy(out, s.bar.reader(in))
		return errors.Join(err, in.Close())
	})
	if err != nil {
		return nil, err
	}
	return []stream.Done{{Kind: kind, From: s.from, To: to.Name, GUID: to.GUID, Bytes: s.bar.bytes(), Took: time.Since(begun)}}, nil
}
