package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// alarm has the verbs of alarms: what is wrong, and who is told.
func (c *cli) alarm() *cobra.Command {
	cmd := c.noun("alarm", "Alarms: what is wrong, and who is told", c.alarmList(), c.alarmSet(), c.alarmTest(), c.alarmRemove())
	cmd.Long = `What is wrong, as lunar status has it, and who is told: a command, a webhook, or people by mail.

They are told within a minute when something goes wrong and stays so for some seconds, once a day as
long as it stays, and when it is over.`
	return cmd
}

func (c *cli) alarmList() *cobra.Command {
	var o output
	return o.flag(c.verb("list", "Show what is wrong, and who is told", func(cmd *cobra.Command, _ []string) error {
		a, err := c.client().Alarms(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, a, func() { c.showAlarms(a) })
	}))
}

func (c *cli) showAlarms(a control.AlarmsInfo) {
	for _, alarm := range a.Alarms {
		c.printf("%s\n", printable(alarm.Text))
	}
	if len(a.Alarms) == 0 {
		c.printf("nothing is wrong\n")
	}
	if len(a.Ways) == 0 {
		c.printf("nobody is told of alarms; lunar alarm set names a command, a webhook, or who gets mail\n")
		return
	}
	c.printf("\n")
	c.showAlarmWays(a.Ways)
}

func (c *cli) showAlarmWays(ways []control.AlarmWay) {
	rows := [][]string{{"TOLD BY", "WHERE", "TOLD", "TROUBLE"}}
	for _, w := range ways {
		told := "-"
		if !w.Told.IsZero() {
			told = age(w.Told) + " ago"
		}
		where := w.Command + w.Host
		if w.Way == control.AlarmMail {
			where = strings.Join(w.To, ", ") + " through " + w.Server
		}
		rows = append(rows, []string{w.Way, printable(where), told, or(printable(w.Trouble), "-")})
	}
	c.table(rows)
}

func (c *cli) alarmSet() *cobra.Command {
	var (
		r        control.AlarmSet
		url      string
		password string
		o        output
	)
	cmd := c.verb("set WAY [COMMAND]", "Have alarms told by command, webhook or mail", func(cmd *cobra.Command, args []string) error {
		if len(args) == 2 {
			if args[0] != control.AlarmCommand {
				return misuse(cmd, "%q is for alarms that are told by command", args[1])
			}
			r.Command = args[1]
		}
		var err error
		if r.URL, err = c.secretUpTo(url, control.MaxAlarmSecret); err != nil {
			return err
		}
		if r.Secret, err = c.secretUpTo(password, control.MaxAlarmSecret); err != nil {
			return err
		}
		w, err := c.client().SetAlarm(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, w, func() { c.showAlarmWays([]control.AlarmWay{w}) })
	})
	cmd.Long = `Have alarms told. WAY is command, webhook or mail, each of which there is once; what is left out stays as it was.

    lunar alarm set command /usr/local/sbin/on-alarm
    lunar alarm set webhook --url-file FILE
    lunar alarm set mail --to admin@example.org --from lunar@example.org --server mail.example.org

A command gets the alarms as JSON on its standard input, and as text in $LUNAR_ALARM. It runs as the
daemon does, for 30 seconds at most. A webhook gets the same JSON in a POST; its "text" is what chat
services show. Its URL is kept as a secret, and so is the password of mail.`
	f := cmd.Flags()
	f.StringVar(&url, "url-file", "", "the `FILE` with the webhook's URL; - for standard input")
	f.StringSliceVar(&r.To, "to", nil, "who gets mail: an `ADDRESS`, or several with commas")
	f.StringVar(&r.From, "from", "", "the `ADDRESS` that mail is from")
	f.StringVar(&r.Server, "server", "", "the mail server, `HOST[:PORT]`")
	f.StringVar(&r.TLS, "tls", "", "how mail goes there: starttls (unless said), tls, or none")
	f.StringVar(&r.User, "user", "", "log in to the mail server as `USER`")
	f.StringVar(&password, "password-file", "", "the `FILE` with the user's password; - for standard input")
	cmd.ValidArgs = []string{control.AlarmCommand, control.AlarmMail, control.AlarmWebhook}
	return o.flag(cmd)
}

func (c *cli) alarmTest() *cobra.Command {
	return c.completing(c.verb("test WAY...", "Tell of an alarm that is none, and see whether it is taken", func(cmd *cobra.Command, args []string) error {
		return each(args, func(way string) error {
			if _, err := c.client().TestAlarm(cmd.Context(), way); err != nil {
				return err
			}
			c.printf("%s took it\n", way)
			return nil
		})
	}), alarmWays)
}

func (c *cli) alarmRemove() *cobra.Command {
	return c.completing(c.verb("remove WAY...", "Tell alarms in a way no more", func(cmd *cobra.Command, args []string) error {
		return each(args, func(way string) error {
			if _, err := c.client().RemoveAlarm(cmd.Context(), way); err != nil {
				return err
			}
			c.printf("alarms are told by %s no more\n", way)
			return nil
		})
	}), alarmWays)
}

// alarmWays completes ways in which alarms are told.
func alarmWays(ctx context.Context, client *control.Client) (ways []string) {
	a, err := client.Alarms(ctx)
	if err != nil {
		return nil
	}
	for _, w := range a.Ways {
		ways = append(ways, w.Way)
	}
	return ways
}
