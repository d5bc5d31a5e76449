package control

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"
	"unicode"
)

// alarmTime is how long telling may take in one way.
const alarmTime = 30 * time.Second

// An alarmMessage is what commands and webhooks get, as JSON. Chat services show its text.
type alarmMessage struct {
	Text   string  `json:"text"` // all of it, for people
	Host   string  `json:"host"`
	Alarms []Alarm `json:"alarms"`

	subject string
}

// newAlarmMessage says what is to be told of alarms on a host.
func newAlarmMessage(host string, alarms []Alarm) alarmMessage {
	m := alarmMessage{Host: host, Alarms: alarms}
	var lines []string
	for _, a := range alarms {
		line := a.Text
		switch a.State {
		case AlarmOver:
			line = "over: " + line
		case AlarmStill:
			line = fmt.Sprintf("since %s: %s", a.Since.UTC().Format(time.RFC3339), line)
		}
		lines = append(lines, plainLine(line))
	}
	m.subject = fmt.Sprintf("lunar on %s: %d alarms", host, len(alarms))
	if len(alarms) == 1 {
		m.subject = fmt.Sprintf("lunar on %s: %s", host, lines[0])
	}
	m.Text = m.subject
	if len(alarms) > 1 {
		m.Text += "\n" + strings.Join(lines, "\n")
	}
	return m
}

// maxLine is how much is told of one alarm (bytes): maxUntold of them fit into a variable of a command's
// environment, and one into the subject of a mail.
const maxLine = 512

// plainLine is text as one line that is not too long, without control characters.
func plainLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text[:min(len(text), maxLine)])
	return strings.ToValidUTF8(text, "")
}

// tell tells of alarms in one way.
func (d *Daemon) tell(ctx context.Context, r alarmRecord, alarms []Alarm) error {
	if lost := d.lost(string(alarmKind)+r.Way, r.Secret); lost != "" {
		return errors.New(lost)
	}
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	m := newAlarmMessage(cmp.Or(host, "a machine without a name"), alarms)
	ctx, cancel := context.WithTimeout(ctx, alarmTime)
	defer cancel()
	switch r.Way {
	case AlarmCommand:
		return runAlarm(ctx, r.Command, m)
	case AlarmWebhook:
		return postAlarm(ctx, string(r.Secret.Secret), m)
	case AlarmMail:
		return mailAlarm(ctx, r, m, d.opts.roots, time.Now())
	}
	return fmt.Errorf("there is no way %q to tell alarms", r.Way)
}

// maxSaid is how much is kept of what commands and servers say (bytes).
const maxSaid = 512

// runAlarm runs a command with the message on its standard input, and its text in $LUNAR_ALARM.
func runAlarm(ctx context.Context, command string, m alarmMessage) error {
	in, err := json.Marshal(m)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, command)
	cmd.Stdin = bytes.NewReader(append(in, '\n'))
	cmd.Env = []string{"PATH=" + cmp.Or(os.Getenv("PATH"), "/usr/sbin:/usr/bin:/sbin:/bin"), "LUNAR_ALARM=" + m.Text, "LUNAR_HOST=" + m.Host}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second // for those who keep its output open
	var said firstBytes
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil && ctx.Err() != nil {
		return fmt.Errorf("%s took more than %v", command, alarmTime)
	} else if err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, bytes.TrimSpace(said))
	}
	return nil
}

// firstBytes keeps the first bytes of what is written.
type firstBytes []byte

func (f *firstBytes) Write(p []byte) (int, error) {
	*f = append(*f, p[:min(len(p), maxSaid-len(*f))]...)
	return len(p), nil
}

// postAlarm sends the message to a URL, which no error names: it is a secret.
func postAlarm(ctx context.Context, to string, m alarmMessage) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return errors.New("the webhook's URL is none")
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		var about *url.Error
		if errors.As(err, &about) {
			err = about.Err
		}
		return fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	defer func() { _ = answer.Body.Close() }() // it is done with
	said, err := io.ReadAll(io.LimitReader(answer.Body, maxSaid))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s said %s: %s", req.URL.Host, answer.Status, bytes.TrimSpace(said))
	}
	return err
}
