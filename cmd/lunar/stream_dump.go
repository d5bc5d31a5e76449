package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/stream/dmu"
)

// streamDump prints the records of a stream.
func (c *cli) streamDump() *cobra.Command {
	var o output
	var summary, unknown bool
	cmd := c.verb("dump FILE", "Print the records of a stream, as zstream dump -v does", func(_ *cobra.Command, args []string) error {
		in, err := c.openStream("reading", args[0])
		if err != nil {
			return err
		}
		defer in.close()
		out := bufio.NewWriterSize(c.stdout, 1<<16)
		d := dumping{out: out, json: json.NewEncoder(out), asJSON: o.json, records: !summary}
		err = d.stream(dmu.NewReader(in.stream, dmu.Options{UnknownFeatures: unknown}))
		if err != nil {
			err = ofStream(in.name, err)
		}
		return errors.Join(out.Flush(), err)
	})
	cmd.Flags().BoolVar(&summary, "summary", false, "print BEGIN, END and the totals alone")
	cmd.Flags().BoolVar(&unknown, "unknown-features", false, "go on where the stream uses features that are not known here")
	cmd.Long = `Print the records of a stream, in the words of zstream dump -v, and the totals. With --json
there is a line for each record. What is in front of a place where the stream is damaged is
printed; the exit status is 0 only if all of it is whole.`
	return o.flag(cmd)
}

// A dumping is what streamDump prints to.
type dumping struct {
	out     *bufio.Writer
	json    *json.Encoder
	asJSON  bool
	records bool
	totals  dmu.Totals
	text    []byte
}

func (d *dumping) stream(r *dmu.Reader) error {
	for {
		rec, err := r.Next()
		if err != nil {
			if !d.asJSON {
				_, _ = d.out.Write(d.totals.Dump(nil)) // Flush says what is wrong
			}
			if err == io.EOF {
				return nil
			}
			return err
		}
		d.totals.Add(rec)
		switch t := rec.Type(); {
		case !d.records && t != dmu.TypeBegin && t != dmu.TypeEnd:
			continue
		case d.asJSON:
			err = d.json.Encode(rec.Describe(r.Offset(), r.Payload()))
		default:
			d.text = rec.Dump(d.text[:0], r.Payload())
			_, err = d.out.Write(d.text)
		}
		if err != nil {
			return err
		}
	}
}
