package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// session has the verbs of sessions.
func (c *cli) session() *cobra.Command {
	return c.noun("session", "Sessions: who is logged in", c.sessionList(), c.sessionShow(), c.sessionClose())
}

// sessionNumbers completes the numbers of sessions.
func sessionNumbers(ctx context.Context, client *control.Client) (numbers []string) {
	sessions, _ := client.Sessions(ctx) // no daemon, nothing to complete
	for _, s := range sessions {
		numbers = append(numbers, strconv.FormatUint(s.ID, 10))
	}
	return numbers
}

func (c *cli) sessionList() *cobra.Command {
	var (
		o       output
		verbose bool
	)
	cmd := c.verb("list", "Show the sessions", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().Sessions(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() { c.showSessions(list, verbose) })
	})
	cmd.Long = `Show the sessions: who is logged in from where, and what they do. Rates and latencies are those of
the last 5 to 10 seconds; a latency is the time that a command is in the device server, without
the network. IDLE is the time since the last command.`
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "tell all that is known of each session")
	return o.flag(cmd)
}

func (c *cli) sessionShow() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("show ID", "Show one session, and the units that it sees", func(cmd *cobra.Command, args []string) error {
		id, err := sessionID(args[0])
		if err != nil {
			return err
		}
		s, err := c.client().Session(cmd.Context(), id)
		if err != nil {
			return err
		}
		return c.print(&o, s, func() { c.showSession(s) })
	}), sessionNumbers))
}

func (c *cli) showSessions(list []control.SessionStatus, verbose bool) {
	if len(list) == 0 {
		c.printf("no sessions\n")
		return
	}
	if verbose {
		for i, s := range list {
			if i > 0 {
				c.printf("\n")
			}
			c.showSession(s)
		}
		return
	}
	rows := [][]string{append(append([]string{"ID", "INITIATOR", "FROM", "TARGET", "UNITS"}, loadTitles...), "IDLE", "AGE")}
	for _, s := range list {
		row := []string{strconv.FormatUint(s.ID, 10), s.Initiator, s.Peer, or(s.Target, "(discovery)"), strconv.Itoa(s.Units)}
		rows = append(rows, append(append(row, loadCells(s.Recent)...), seconds(s.Idle), age(s.Since)))
	}
	c.table(rows)
}

func (c *cli) showSession(s control.SessionStatus) {
	c.printf("Session %d of %s\n", s.ID, s.Initiator)
	if s.Alias != "" {
		c.printf("  Alias       %s\n", s.Alias)
	}
	c.printf("  Since       %s, for %s; idle for %s\n", moment(s.Since), age(s.Since), seconds(s.Idle))
	c.printf("  From        %s (ISID %s)\n", s.Peer, s.ISID)
	c.printf("  To          %s, portal group %d (TSIH %d)\n", s.Local, s.Group, s.TSIH)
	c.printf("  Target      %s\n", or(s.Target, "none: discovery"))
	c.printf("  CHAP user   %s\n", or(s.CHAPUser, "none"))
	c.printf("  Digests     %s\n", s.Digests)
	c.printf("  Negotiated  InitialR2T=%s ImmediateData=%s FirstBurst=%s MaxBurst=%s MaxRecvDataSegment=%s MaxOutstandingR2T=%d\n",
		yesNo(s.InitialR2T), yesNo(s.ImmediateData), formatSize(int64(s.FirstBurst)), formatSize(int64(s.MaxBurst)), formatSize(int64(s.MaxRecvSegment)), s.MaxOutstandingR2T)
	c.printf("  Units       %d\n", s.Units)
	c.printf("  Commands    %d; %s read, %s written\n", s.Commands, formatSize(s.ReadBytes), formatSize(s.WriteBytes))
	for _, l := range []struct {
		over string
		control.Load
	}{{fmt.Sprintf("Last %.0fs", s.Recent.Seconds), s.Recent}, {"In all", s.Total}} {
		cells := loadCells(l.Load)
		c.printf("  %-11s %s IOPS, %s MB/s read, %s MB/s written; latency p50 %s, p99 %s, max %s\n",
			l.over, cells[0], cells[1], cells[2], cells[3], cells[4], cells[5])
	}
	if len(s.LUNs) == 0 {
		return
	}
	c.printf("\n")
	rows := [][]string{{"LUN", "UNIT", "LAST I/O"}}
	for _, u := range s.LUNs {
		last := "never"
		if u.Idle >= 0 {
			last = seconds(u.Idle) + " ago"
		}
		rows = append(rows, []string{strconv.Itoa(u.LUN), u.GUID, last})
	}
	c.table(rows)
}

// sessionID reads the number of a session.
func sessionID(arg string) (uint64, error) {
	id, err := strconv.ParseUint(arg, 10, 64)
	if err != nil {
		return 0, &usageError{fmt.Sprintf("%q is not the number of a session", arg), "lunar session list shows the sessions."}
	}
	return id, nil
}

func (c *cli) sessionClose() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("close ID", "Close a session; its initiator may log in again", func(cmd *cobra.Command, args []string) error {
		id, err := sessionID(args[0])
		if err != nil {
			return err
		}
		s, err := c.client().CloseSession(cmd.Context(), id)
		if err != nil {
			return err
		}
		return c.print(&o, s, func() { c.printf("closed session %d of %s\n", s.ID, s.Initiator) })
	}), sessionNumbers))
}
