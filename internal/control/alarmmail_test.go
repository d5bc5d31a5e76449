package control

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A postOffice is a mail server that keeps what it gets.
type postOffice struct {
	server string
	tls    *tls.Config // nil: STARTTLS is not known
	mails  chan string // envelope and text
	said   lines       // all that clients say
}

// The login that a postOffice takes.
const (
	postUser     = "lunar"
	postPassword = "pass-word"
)

// openPostOffice has one listen: for TLS from the first byte, or for plain text, which becomes TLS where
// there is a certificate and a client asks for it.
func openPostOffice(t *testing.T, certificate *tls.Certificate, implicit bool) *postOffice {
	t.Helper()
	o := &postOffice{mails: make(chan string, 8)}
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	t.Cleanup(func() { l.Close() })
	o.server = l.Addr().String()
	if certificate != nil {
		o.tls = &tls.Config{Certificates: []tls.Certificate{*certificate}}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if implicit {
				c = tls.Server(c, o.tls)
			}
			go o.serve(c)
		}
	}()
	return o
}

func (o *postOffice) serve(c net.Conn) {
	defer func() { c.Close() }()
	in := bufio.NewReader(c)
	fmt.Fprint(c, "220 ready\r\n")
	var got strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		fmt.Fprint(&o.said, line)
		switch verb, rest, _ := strings.Cut(strings.TrimSpace(line), " "); verb {
		case "EHLO":
			fmt.Fprint(c, "250-here\r\n")
			if o.tls != nil {
				fmt.Fprint(c, "250-STARTTLS\r\n")
			}
			fmt.Fprint(c, "250 AUTH PLAIN\r\n")
		case "STARTTLS":
			if o.tls == nil {
				fmt.Fprint(c, "502 what is that\r\n")
				continue
			}
			fmt.Fprint(c, "220 go on\r\n")
			c = tls.Server(c, o.tls)
			in = bufio.NewReader(c)
		case "AUTH":
			answer := "235 it is you\r\n"
			if rest != "PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00"+postUser+"\x00"+postPassword)) {
				answer = "535 it is not you\r\n"
			}
			fmt.Fprint(c, answer)
		case "DATA":
			fmt.Fprint(c, "354 go on\r\n")
			for line, err = in.ReadString('\n'); err == nil && line != ".\r\n"; line, err = in.ReadString('\n') {
				got.WriteString(line)
			}
			fmt.Fprint(c, "250 taken\r\n")
			o.mails <- got.String()
		case "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		case "RCPT":
			if strings.Contains(rest, "nobody@") {
				fmt.Fprint(c, "550 nobody of the name\r\n")
				continue
			}
			fallthrough
		default:
			got.WriteString(line)
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}

// certified is a certificate for an address that vouches for itself, and what trusts it.
func certified(t *testing.T, address string) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP(address)}}
	der := must(x509.CreateCertificate(rand.Reader, about, about, key.Public(), key))(t)
	roots := x509.NewCertPool()
	roots.AddCert(must(x509.ParseCertificate(der))(t))
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// TestTellByMail sends a mail, as people get it.
func TestTellByMail(t *testing.T) {
	r := start(t, nil)
	o := openPostOffice(t, nil, false)
	set := AlarmSet{To: []string{"a@example.org", "b@example.org"}, From: "lunar@example.org", Server: o.server, TLS: MailPlain}
	must(r.SetAlarm(t.Context(), AlarmMail, set))(t)
	must(r.TestAlarm(t.Context(), AlarmMail))(t)
	got := <-o.mails
	envelope, text, _ := strings.Cut(got, "From: ")
	if want := "MAIL FROM:<lunar@example.org>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"; envelope != want {
		t.Errorf("envelope %q", envelope)
	}
	m, err := mail.ReadMessage(strings.NewReader("From: " + text))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil || !strings.Contains(string(body), "this is a test") || !strings.Contains(m.Header.Get("Subject"), "lunar on") {
		t.Errorf("%v, %q: %q", err, m.Header, body)
	}
	if _, err := m.Header.Date(); err != nil {
		t.Error(err)
	}
	must(r.SetAlarm(t.Context(), AlarmMail, AlarmSet{To: []string{"nobody@example.org"}}))(t)
	if _, err := r.TestAlarm(t.Context(), AlarmMail); err == nil || !strings.Contains(err.Error(), "nobody of the name") {
		t.Errorf("a server that refuses: %v", err)
	}
}

// TestMailIsSecret sends mail and the password of its user to the server that is meant, in no way that
// others could read, and else not at all.
func TestMailIsSecret(t *testing.T) {
	const address = "127.0.0.1"
	good, roots := certified(t, address)
	other, others := certified(t, "192.0.2.1")
	for name, test := range map[string]struct {
		way         string
		certificate *tls.Certificate
		implicit    bool
		roots       *x509.CertPool
		password    string
		want        string // error; empty: it is sent
	}{
		"STARTTLS":                     {MailSTARTTLS, good, false, roots, postPassword, ""},
		"TLS":                          {MailTLS, good, true, roots, postPassword, ""},
		"STARTTLS, wrong password":     {MailSTARTTLS, good, false, roots, "guess", `AUTH: 535 "it is not you"`},
		"STARTTLS that is not offered": {MailSTARTTLS, nil, false, roots, postPassword, "STARTTLS: 502"},
		"STARTTLS, nobody vouches":     {MailSTARTTLS, good, false, others, postPassword, "unknown authority"},
		"STARTTLS, of another server":  {MailSTARTTLS, other, false, others, postPassword, "192.0.2.1"},
		"TLS, nobody vouches":          {MailTLS, good, true, others, postPassword, "unknown authority"},
		"TLS, of another server":       {MailTLS, other, true, others, postPassword, "192.0.2.1"},
		"TLS, of a server without":     {MailTLS, nil, false, roots, postPassword, "TLS handshake"},
		"plain, over loopback":         {MailPlain, good, false, roots, postPassword, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := openPostOffice(t, test.certificate, test.implicit)
			r := alarmRecord{Way: AlarmMail, To: []string{"a@example.org"}, From: "lunar@example.org", Server: o.server, TLS: test.way,
				Secret: &credential{User: postUser, Secret: Secret(test.password)}}
			err := mailAlarm(t.Context(), r, newAlarmMessage("host", []Alarm{{AlarmRaised, "a", time.Now()}}), test.roots, time.Now())
			said := o.said.String()
			if test.want == "" {
				if err != nil || len(o.mails) != 1 || !strings.Contains(said, "AUTH PLAIN") {
					t.Errorf("%v, %d mails", err, len(o.mails))
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), o.server) || len(o.mails) != 0 {
				t.Errorf("%v, %d mails; want %q", err, len(o.mails), test.want)
			}
			if test.password == postPassword && strings.Contains(said, "AUTH") || strings.Contains(said, "MAIL") {
				t.Errorf("the server was told %q", said)
			}
		})
	}
}

// TestMailText keeps what comes from outside within its line.
func TestMailText(t *testing.T) {
	m := newAlarmMessage("host", []Alarm{{AlarmRaised, "unit a\r\nBcc: x@example.org\r\n\r\nis offline: Grüße", time.Now()}})
	p := mailText(alarmRecord{From: "a@example.org", To: []string{"b@example.org"}}, m, time.Unix(0, 0).UTC())
	got, err := mail.ReadMessage(bytes.NewReader(p))
	if err != nil || got.Header.Get("Bcc") != "" {
		t.Errorf("%v in %s", err, p)
	}
	m = newAlarmMessage("host", []Alarm{{AlarmRaised, strings.Repeat("é", maxLine), time.Now()}, {AlarmRaised, "b\x00", time.Now()}})
	if lines := strings.Split(m.Text, "\n"); len(lines) != 3 || len(lines[1]) > maxLine || !utf8.ValidString(m.Text) || lines[2] != "b " {
		t.Errorf("the lines are %q", lines)
	}
	m = newAlarmMessage("host", []Alarm{{AlarmRaised, strings.Repeat("x", 2000), time.Now()}})
	p = append(p, mailText(alarmRecord{From: "a@example.org", To: []string{"b@example.org"}}, m, time.Unix(0, 0).UTC())...)
	for line := range strings.SplitSeq(string(p), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line %q", line)
		}
	}
}
