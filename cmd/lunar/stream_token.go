package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/dmu"
)

// streamToken reads and makes resume tokens.
func (c *cli) streamToken() *cobra.Command {
	var o output
	var after string
	cmd := c.verb("token [TOKEN]", "Say what a resume token says, or make one for a stream that is cut short", func(cmd *cobra.Command, args []string) error {
		switch {
		case after != "" && len(args) == 0:
			t, err := c.tokenAfter(after)
			if err != nil {
				return err
			}
			text, err := t.Encode()
			if err != nil {
				return err
			}
			return c.print(&o, tokenJSON{text, t}, func() { c.printf("%s\n", text) })
		case after == "" && len(args) == 1:
			t, err := dmu.ParseToken(args[0])
			if err != nil {
				return tokenProblem(err)
			}
			return c.print(&o, tokenJSON{args[0], t}, func() { c.describeToken(t) })
		}
		return misuse(cmd, "name a token, or a stream with --after")
	})
	cmd.Flags().StringVar(&after, "after", "", "make the token with which zfs send -t goes on behind `FILE`, a stream that is cut short")
	return o.flag(cmd)
}

// tokenJSON is a token as JSON.
type tokenJSON struct {
	Text string `json:"token"`
	*dmu.Token
}

func (c *cli) describeToken(t *dmu.Token) {
	rows := [][]string{
		{"object", fmt.Sprint(t.Object)}, {"offset", fmt.Sprint(t.Offset)}, {"bytes", fmt.Sprint(t.Bytes)},
		{"toguid", guid(t.ToGUID)}, {"toname", t.ToName},
	}
	if t.FromGUID != 0 {
		rows = append(rows, []string{"fromguid", guid(t.FromGUID)})
	}
	for _, f := range []struct {
		set  bool
		name string
	}{{t.LargeBlocks, "largeblockok"}, {t.Embedded, "embedok"}, {t.Compressed, "compressok"}, {t.Raw, "rawok"}} {
		if f.set {
			rows = append(rows, []string{f.name, "true"})
		}
	}
	if t.Other != nil {
		for _, p := range t.Other.Pairs {
			rows = append(rows, []string{p.Name, fmt.Sprint(p.Value)})
		}
	}
	c.table(rows)
}

// tokenAfter reads a stream that is cut short, and makes the token to go on with.
func (c *cli) tokenAfter(name string) (*dmu.Token, error) {
	in, err := c.openStream("reading", name)
	if err != nil {
		return nil, err
	}
	defer in.close()
	r := dmu.NewReader(in.stream, dmu.Options{})
	var t dmu.Tracker
	for {
		rec, err := r.Next()
		switch {
		case err == io.EOF:
			return nil, &control.Problem{Title: in.name + " is whole: there is nothing to go on with", Hint: "lunar stream info shows what is in it."}
		case errors.Is(err, dmu.ErrTruncated):
			token, err := t.Token()
			if err != nil {
				return nil, &control.Problem{Title: fmt.Sprintf("%s: %v", in.name, err), Hint: "Send it again from the beginning."}
			}
			return token, nil
		case err != nil:
			return nil, ofStream(in.name, err)
		}
		t.Add(r, rec)
	}
}
