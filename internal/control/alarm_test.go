package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAlarmKey(t *testing.T) {
	same := [][2]string{
		{"job daily is late: the newest replica of tank/a is 3h12m old, and 1h is promised", "job daily is late: the newest replica of tank/a is 59m old, and 1h is promised"},
		{"pool tank is 91% full", "pool tank is 92.5% full"},
		{"since 2026-11-22T16:00:00Z, 2 of 3", "since 2026-11-23T16:00:00Z, 1 of 3"},
	}
	for _, c := range same {
		if alarmKey(c[0]) != alarmKey(c[1]) {
			t.Errorf("%q and %q are two", alarmKey(c[0]), alarmKey(c[1]))
		}
	}
	differ := [][2]string{
		{"unit 600144f0c0ffee000000000000000001 is offline", "unit 600144f0c0ffee000000000000000002 is offline"},
		{"portal 10.0.0.1:3260 is waiting", "portal 10.0.0.2:3260 is waiting"},
		{"portal 10.0.0.1 is waiting", "portal 10.0.0.2 is waiting"},
		{"job daily failed: a", "job weekly failed: a"},
	}
	for _, c := range differ {
		if alarmKey(c[0]) == alarmKey(c[1]) {
			t.Errorf("%q and %q are one", c[0], c[1])
		}
	}
}

// TestAlarmBoard looks at alarms that come, stay, go, and come back.
func TestAlarmBoard(t *testing.T) {
	var (
		b     = newAlarmBoard()
		begin = time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)
	)
	for _, step := range []struct {
		at    time.Duration
		texts []string
		want  string
		again time.Duration
	}{
		{0, nil, "", alarmPause},
		{1 * time.Second, []string{"a is 1s late"}, "", alarmSettle},
		{6 * time.Second, []string{"a is 6s late", "b"}, "raised a is 6s late", alarmSettle},
		{12 * time.Second, []string{"a is 12s late"}, "", alarmPause}, // b was too short
		{24 * time.Hour, []string{"a is 1d late"}, "", alarmPause},
		{24*time.Hour + 6*time.Second, []string{"a is 24h late"}, "still a is 24h late", alarmPause},
		{25 * time.Hour, nil, "", alarmSettle},
		{25*time.Hour + time.Second, []string{"a is 25h late"}, "", alarmPause}, // it was there all the time
		{26 * time.Hour, nil, "", alarmSettle},
		{26*time.Hour + 6*time.Second, nil, "over a is 25h late", alarmPause},
		{27 * time.Hour, []string{"d", "c", "c"}, "", alarmSettle},
		{28 * time.Hour, []string{"d", "c", "c"}, "raised c; raised d", alarmPause},
	} {
		told, again := b.update(begin.Add(step.at), step.texts)
		var got []string
		for _, a := range told {
			got = append(got, a.State+" "+a.Text)
			if a.Since.IsZero() {
				t.Errorf("%v: %q is since never", step.at, a.Text)
			}
		}
		if strings.Join(got, "; ") != step.want || again != step.again {
			t.Errorf("at %v: %q, and again after %v", step.at, got, again)
		}
	}
	if since := b.since(); len(since) != 2 {
		t.Errorf("%v", since)
	}
}

// TestAlarmsAreKept has a way fail: what it did not take is told with the next.
func TestAlarmsAreKept(t *testing.T) {
	b := newAlarmBoard()
	texts := func(list []Alarm) (all string) {
		for _, a := range list {
			all += a.Text
		}
		return all
	}
	first := b.take("mail", []Alarm{{Text: "a"}})
	if texts(first) != "a" || b.take("mail", []Alarm{{Text: "b"}}) != nil {
		t.Fatalf("%v, and more while it is told", first)
	}
	if !b.done("mail", time.Now(), errors.New("no")) {
		t.Error("the first failure is no news")
	}
	if got := b.take("mail", nil); texts(got) != "ab" || b.done("mail", time.Now(), errors.New("no")) {
		t.Errorf("%v is told, and failing again is news", got)
	}
	if _, trouble := b.outcome("mail"); trouble != "no" {
		t.Errorf("trouble %q", trouble)
	}
	b.take("mail", make([]Alarm, 3*maxUntold))
	b.take("mail", []Alarm{{Text: "c"}})
	b.done("mail", time.Now(), errors.New("no"))
	if got := b.take("mail", nil); len(got) != maxUntold || texts(got) != "c" {
		t.Errorf("%d are kept", len(got))
	}
	b.take("mail", []Alarm{{Text: "d"}}) // while as many are told as are kept
	if !b.done("mail", time.Now(), nil) {
		t.Error("success is no news")
	}
	if got := b.take("mail", nil); texts(got) != "d" || !b.done("mail", time.Now(), nil) {
		t.Errorf("what came meanwhile is %v", got)
	}
	told, trouble := b.outcome("mail")
	if b.take("mail", nil) != nil || told.IsZero() || trouble != "" {
		t.Errorf("told %v, trouble %q", told, trouble)
	}
}

// TestTellByWebhook posts JSON, and says nothing of the URL when that fails.
func TestTellByWebhook(t *testing.T) {
	r := start(t, nil)
	var got alarmMessage
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		got = alarmMessage{}
		if err := json.NewDecoder(q.Body).Decode(&got); err != nil || q.URL.Path != "/a1b2c3" {
			status = http.StatusBadRequest
		}
		w.WriteHeader(status)
		fmt.Fprint(w, "as I said\n")
	}))
	defer s.Close()
	way := must(r.SetAlarm(t.Context(), AlarmWebhook, AlarmSet{URL: Secret(s.URL + "/a1b2c3")}))(t)
	if way.Host != strings.TrimPrefix(s.URL, "http://") || strings.Contains(fmt.Sprint(way), "a1b2c3") {
		t.Errorf("%+v", way)
	}
	must(r.TestAlarm(t.Context(), AlarmWebhook))(t)
	if len(got.Alarms) != 1 || got.Alarms[0].State != AlarmTest || !strings.Contains(got.Text, "this is a test") {
		t.Errorf("%+v", got)
	}
	status = http.StatusForbidden
	if _, err := r.TestAlarm(t.Context(), AlarmWebhook); err == nil || !strings.Contains(err.Error(), "403 Forbidden: as I said") || strings.Contains(err.Error(), "a1b2c3") {
		t.Errorf("refused: %v", err)
	}
	s.Close()
	if _, err := r.TestAlarm(t.Context(), AlarmWebhook); err == nil || strings.Contains(err.Error(), "a1b2c3") {
		t.Errorf("nobody there: %v", err)
	}
	if strings.Contains(r.log.String(), "a1b2c3") {
		t.Error("the URL is in the log")
	}
}

// TestTellByCommand tells a command what comes and goes by itself, and one that fails is tried
// again.
func TestTellByCommand(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	dir := t.TempDir()
	command, out := filepath.Join(dir, "on-alarm"), filepath.Join(dir, "out")
	must(0, os.WriteFile(command, fmt.Appendf(nil, "#!/bin/sh\ncat >> %s\necho \"$LUNAR_ALARM\" >> %s\n", out, out), 0o700))(t)
	must(r.SetAlarm(t.Context(), AlarmCommand, AlarmSet{Command: command}))(t)
	must(r.TestAlarm(t.Context(), AlarmCommand))(t)
	text := string(must(os.ReadFile(out))(t))
	if !strings.Contains(text, `"state":"test"`) || strings.Count(text, "this is a test") != 3 {
		t.Errorf("it got %s", text)
	}
	must(0, os.WriteFile(command, []byte("#!/bin/sh\necho I cannot >&2\nexit 3\n"), 0o700))(t)
	if _, err := r.TestAlarm(t.Context(), AlarmCommand); err == nil || !strings.Contains(err.Error(), "exit status 3: I cannot") {
		t.Errorf("one that fails: %v", err)
	}
	r.d.tellAll([]Alarm{{AlarmRaised, "a", time.Now()}})
	eventually(t, "trouble", func() bool { _, trouble := r.d.alarms.outcome(AlarmCommand); return trouble != "" })
	must(0, os.WriteFile(command, fmt.Appendf(nil, "#!/bin/sh\ncat > %s\n", out), 0o700))(t)
	r.d.tellAll(nil)
	eventually(t, "success", func() bool { told, _ := r.d.alarms.outcome(AlarmCommand); return !told.IsZero() })
	var m alarmMessage
	if err := json.Unmarshal(must(os.ReadFile(out))(t), &m); err != nil || len(m.Alarms) != 1 || m.Alarms[0].Text != "a" {
		t.Errorf("%v, %+v", err, m)
	}
}

// TestAlarmSettings refuses what cannot work, and keeps secrets where they are.
func TestAlarmSettings(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	for _, c := range []struct {
		way  string
		set  AlarmSet
		want string
	}{
		{"pigeon", AlarmSet{}, "no way"},
		{AlarmCommand, AlarmSet{}, "not the path"},
		{AlarmCommand, AlarmSet{Command: "rm"}, "not the path"},
		{AlarmWebhook, AlarmSet{}, "needs a URL"},
		{AlarmWebhook, AlarmSet{URL: Secret("ftp://example.org/")}, "URL is none"},
		{AlarmWebhook, AlarmSet{URL: Secret(strings.Repeat("x", MaxAlarmSecret+1))}, "longer"},
		{AlarmMail, AlarmSet{Server: "mail.example.org"}, "who gets it"},
		{AlarmMail, AlarmSet{Server: "mail.example.org", From: "a@example.org", To: []string{"b@example.org\r\nRSET"}}, "no address"},
		{AlarmMail, AlarmSet{Server: "mail.example.org", From: "a@example.org", To: []string{"b@example.org"}, TLS: "ssl"}, "no way"},
		{AlarmMail, AlarmSet{Server: "mail.example.org", From: "a@example.org", To: []string{"b@example.org"}, User: "u"}, "no password"},
	} {
		if _, err := r.SetAlarm(ctx, c.way, c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: %v", c.way, c.set, err)
		}
	}
	set := AlarmSet{Server: "mail.example.org", From: "a@example.org", To: []string{"b@example.org"}, User: "u", Secret: Secret("pass-word")}
	w := must(r.SetAlarm(ctx, AlarmMail, set))(t)
	want := AlarmWay{Way: AlarmMail, To: set.To, From: set.From, Server: "mail.example.org:587", TLS: MailSTARTTLS, User: "u"}
	if diff := cmp.Diff(want, w); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	r.restart()
	w = must(r.SetAlarm(ctx, AlarmMail, AlarmSet{To: []string{"c@example.org"}}))(t)
	if w.User != "u" || w.To[0] != "c@example.org" {
		t.Errorf("what was left out is not as it was: %+v", w)
	}
	if w = must(r.SetAlarm(ctx, AlarmMail, AlarmSet{Secret: Secret("pass-word")}))(t); w.User != "u" {
		t.Errorf("another password is that of user %q", w.User)
	}
	if list := must(r.Alarms(ctx))(t); len(list.Ways) != 1 || len(list.Alarms) != 0 {
		t.Errorf("%+v", list)
	}
	if text := export(t, r); strings.Count(text, "pass-word") != 1 {
		t.Errorf("with secrets it is\n%s", text)
	}
	must(r.RemoveAlarm(ctx, AlarmMail))(t)
	if _, err := r.RemoveAlarm(ctx, AlarmMail); err == nil {
		t.Error("it is removed twice")
	}
	if _, err := r.TestAlarm(ctx, AlarmMail); err == nil {
		t.Error("what is not there is tested")
	}
}
