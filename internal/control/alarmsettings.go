package control

import (
	"cmp"
	"context"
	"fmt"
	"net/mail"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Ways in which alarms are told. There is one of each at most.
const (
	AlarmCommand = "command"
	AlarmWebhook = "webhook"
	AlarmMail    = "mail"
)

var alarmWays = [...]string{AlarmCommand, AlarmMail, AlarmWebhook}

// How mail goes to its server.
const (
	MailSTARTTLS = "starttls"
	MailTLS      = "tls"
	MailPlain    = "none"
)

// mailPorts are where servers listen, by how mail goes to them.
var mailPorts = map[string]uint16{MailSTARTTLS: 587, MailTLS: 465, MailPlain: 25}

// MaxAlarmSecret is the longest password, or URL (bytes).
const MaxAlarmSecret = 2048

// An alarmRecord is a way in which alarms are told.
type alarmRecord struct {
	Way     string      `json:"way"`
	Command string      `json:"command,omitempty"`
	To      []string    `json:"to,omitempty"` // addresses of mail
	From    string      `json:"from,omitempty"`
	Server  string      `json:"server,omitempty"` // "host:port"
	TLS     string      `json:"tls,omitempty"`
	Secret  *credential `json:"secret,omitempty"` // user and password of mail; of a webhook its URL
}

// An AlarmSet says how alarms are told in one way. What is empty stays as it is.
type AlarmSet struct {
	Command string   `json:"command,omitempty"` // path of a program
	URL     Secret   `json:"url,omitempty"`     // of a webhook
	To      []string `json:"to,omitempty"`      // addresses of mail
	From    string   `json:"from,omitempty"`
	Server  string   `json:"server,omitempty"` // "host[:port]"
	TLS     string   `json:"tls,omitempty"`    // MailSTARTTLS, MailTLS, MailPlain
	User    string   `json:"user,omitempty"`
	Secret  Secret   `json:"secret,omitempty"` // the user's password
}

// AlarmsInfo tells what is wrong, and how that is told.
type AlarmsInfo struct {
	Ways   []AlarmWay `json:"ways"`
	Alarms []Alarm    `json:"alarms"`
}

// An AlarmWay is a way in which alarms are told.
type AlarmWay struct {
	Way     string    `json:"way"`
	Command string    `json:"command,omitempty"`
	Host    string    `json:"host,omitempty"` // of a webhook; the rest of its URL is a secret
	To      []string  `json:"to,omitempty"`
	From    string    `json:"from,omitempty"`
	Server  string    `json:"server,omitempty"`
	TLS     string    `json:"tls,omitempty"`
	User    string    `json:"user,omitempty"`
	Told    time.Time `json:"told,omitzero"`     // when something was last told
	Trouble string    `json:"trouble,omitempty"` // why the last could not be
}

// Alarms tells what is wrong, and how that is told.
func (d *Daemon) Alarms(ctx context.Context) (AlarmsInfo, error) {
	info := AlarmsInfo{Ways: []AlarmWay{}, Alarms: []Alarm{}}
	s, err := d.Status(ctx)
	if err != nil {
		return info, err
	}
	since := d.alarms.since()
	for _, text := range s.Alarms {
		info.Alarms = append(info.Alarms, Alarm{State: AlarmRaised, Text: text, Since: since[alarmKey(text)].UTC()})
	}
	records, err := alarmKind.list(d.state)
	for _, r := range records {
		info.Ways = append(info.Ways, d.alarmWay(r))
	}
	return info, err
}

// alarmWay describes r.
func (d *Daemon) alarmWay(r alarmRecord) AlarmWay {
	w := AlarmWay{Way: r.Way, Command: r.Command, To: r.To, From: r.From, Server: r.Server, TLS: r.TLS}
	w.Told, w.Trouble = d.alarms.outcome(r.Way)
	if lost := d.lost(string(alarmKind)+r.Way, r.Secret); lost != "" {
		w.Trouble = lost
		return w
	}
	if r.Secret == nil {
		return w
	}
	if r.Way == AlarmMail {
		w.User = r.Secret.User
	} else if u, err := url.Parse(string(r.Secret.Secret)); err == nil {
		w.Host = u.Host
	}
	return w
}

// SetAlarm has alarms told in a way.
func (d *Daemon) SetAlarm(ctx context.Context, way string, q AlarmSet) (AlarmWay, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return AlarmWay{}, err
	}
	defer end()
	r, _, err := alarmKind.find(d.state, way)
	if err != nil {
		return AlarmWay{}, err
	}
	r.Way, r.Command, r.From = way, cmp.Or(q.Command, r.Command), cmp.Or(q.From, r.From)
	r.Server, r.TLS = cmp.Or(q.Server, r.Server), cmp.Or(q.TLS, r.TLS)
	if len(q.To) > 0 {
		r.To = q.To
	}
	switch {
	case len(q.URL) > 0:
		r.Secret = &credential{Secret: q.URL}
	case len(q.Secret) > 0:
		if q.User == "" && r.Secret != nil {
			q.User = r.Secret.User
		}
		r.Secret = &credential{q.User, q.Secret}
	case q.User != "":
		return AlarmWay{}, refuse(fmt.Sprintf("user %q has no password", q.User), "Give it with --password-file FILE, or - to read it from standard input.")
	}
	if err := r.check(); err != nil {
		return AlarmWay{}, err
	}
	if err := d.state.Update(func(tx Tx) error { return alarmKind.put(tx, way, r) }); err != nil {
		return AlarmWay{}, err
	}
	d.log.Info("alarms are told", "way", way)
	return d.alarmWay(r), nil
}

// RemoveAlarm has alarms told in a way no more.
func (d *Daemon) RemoveAlarm(ctx context.Context, way string) (AlarmWay, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return AlarmWay{}, err
	}
	defer end()
	r, err := d.alarmSettings(way)
	if err != nil {
		return AlarmWay{}, err
	}
	if err := d.state.Update(func(tx Tx) error { return alarmKind.delete(tx, way) }); err != nil {
		return AlarmWay{}, err
	}
	d.alarms.forget(way)
	d.log.Info("alarms are told no more", "way", way)
	return d.alarmWay(r), nil
}

// TestAlarm tells of an alarm in a way, and waits for what comes of it.
func (d *Daemon) TestAlarm(ctx context.Context, way string) (AlarmWay, error) {
	r, err := d.alarmSettings(way)
	if err != nil {
		return AlarmWay{}, err
	}
	test := Alarm{State: AlarmTest, Text: "this is a test: nothing is wrong", Since: time.Now().UTC()}
	if err := d.tell(ctx, r, []Alarm{test}); err != nil {
		return AlarmWay{}, conflict(fmt.Sprintf("the %s did not take it: %s", way, oneLine(err)), "Nobody would hear of alarms in this way: mend it, or change it with lunar alarm set.")
	}
	return d.alarmWay(r), nil
}

// alarmSettings returns the record of a way.
func (d *Daemon) alarmSettings(way string) (alarmRecord, error) {
	r, there, err := alarmKind.find(d.state, way)
	if err == nil && !there {
		err = missing(fmt.Sprintf("alarms are not told by %s", way), "lunar alarm list shows how they are told.")
	}
	return r, err
}

// check refuses what cannot work, and brings r into its form.
func (r *alarmRecord) check() error {
	if r.Secret != nil && len(r.Secret.Secret) > MaxAlarmSecret {
		return refuse(fmt.Sprintf("a secret of %d bytes is longer than the %d allowed", len(r.Secret.Secret), MaxAlarmSecret), "Give a password, or a URL.")
	}
	switch r.Way {
	case AlarmCommand:
		if !filepath.IsAbs(r.Command) || strings.ContainsRune(r.Command, 0) {
			return refuse(fmt.Sprintf("%q is not the path of a program", r.Command), "Name it with its whole path; it gets the alarm on its standard input.")
		}
		return nil
	case AlarmWebhook:
		return r.checkWebhook()
	case AlarmMail:
		return r.checkMail()
	}
	return refuse(fmt.Sprintf("there is no way %q to tell alarms", r.Way), "Choose "+strings.Join(alarmWays[:], ", ")+".")
}

func (r *alarmRecord) checkWebhook() error {
	if r.Secret == nil {
		return refuse("a webhook needs a URL", "Give it with --url-file FILE, or - to read it from standard input.")
	}
	if r.Secret.Secret.sealed() {
		return nil
	}
	u, err := url.Parse(string(r.Secret.Secret))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return refuse("the webhook's URL is none", "Write it like https://hooks.example.org/a1b2c3; it is kept as a secret.")
	}
	return nil
}

func (r *alarmRecord) checkMail() error {
	r.TLS = cmp.Or(r.TLS, MailSTARTTLS)
	port, ok := mailPorts[r.TLS]
	if !ok {
		return refuse(fmt.Sprintf("there is no way %q to a mail server", r.TLS), "Choose starttls, tls or none.")
	}
	if r.Server == "" || len(r.To) == 0 || r.From == "" {
		return refuse("mail needs a server, a sender and who gets it", "Give --server HOST[:PORT], --from ADDRESS and --to ADDRESS.")
	}
	var err error
	if r.Server, err = ParseHostPort(r.Server, port); err != nil {
		return err
	}
	if r.Secret != nil && r.Secret.User == "" {
		return refuse("a password without a user is no login", "Say whose it is: --user USER.")
	}
	for _, a := range append(slices.Clone(r.To), r.From) {
		if parsed, err := mail.ParseAddress(a); err != nil || parsed.Address != a {
			return refuse(fmt.Sprintf("%.80q is no address of mail", a), "Write it like admin@example.org.")
		}
	}
	return nil
}

// A documentAlarm is a way in which alarms are told. Without its secret it stands for the one that
// is there.
type documentAlarm struct {
	Way     string         `yaml:"way"`
	Command string         `yaml:"command,omitempty"`
	URL     documentSecret `yaml:"url,omitempty"`
	To      []string       `yaml:"to,omitempty"`
	From    string         `yaml:"from,omitempty"`
	Server  string         `yaml:"server,omitempty"` // "host:port"
	TLS     string         `yaml:"tls,omitempty"`
	Login   *documentCHAP  `yaml:"login,omitempty"`
}

func (r alarmRecord) document() documentAlarm {
	d := documentAlarm{Way: r.Way, Command: r.Command, To: r.To, From: r.From, Server: r.Server, TLS: r.TLS}
	if r.Way == AlarmMail {
		d.Login = r.Secret.document()
	} else if secret := r.Secret.document(); secret != nil {
		d.URL = secret.Secret
	}
	return d
}

// alarm makes a record of a part of a document.
func (m *merge) alarm(a *documentAlarm) (name string, r alarmRecord, err error) {
	before := m.current.alarms[a.Way]
	r = alarmRecord{Way: a.Way, Command: a.Command, To: a.To, From: a.From, Server: a.Server, TLS: a.TLS}
	switch {
	case a.URL != "":
		r.Secret = &credential{Secret: Secret(a.URL)}
	case a.Login != nil:
		if r.Secret, err = a.Login.credential("", before.Secret); err != nil {
			return a.Way, r, err
		}
	case a.Way == AlarmWebhook:
		r.Secret = before.Secret
	}
	return a.Way, r, r.check()
}
