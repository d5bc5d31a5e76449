package control

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"strings"
	"time"
)

// mailAlarm sends the message by mail, to a server whose certificate roots vouch for (nil: those of
// the system). The standard library's client is all that a short text needs; it is not developed
// further, but mended.
func mailAlarm(ctx context.Context, r alarmRecord, m alarmMessage, roots *x509.CertPool, now time.Time) (err error) {
	host, _, err := net.SplitHostPort(r.Server)
	if err != nil {
		return err
	}
	secure := &tls.Config{ServerName: host, RootCAs: roots}
	var c net.Conn
	if r.TLS == MailTLS {
		c, err = (&tls.Dialer{Config: secure}).DialContext(ctx, "tcp", r.Server)
	} else {
		c, err = new(net.Dialer).DialContext(ctx, "tcp", r.Server)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.Server, err)
	}
	defer context.AfterFunc(ctx, func() { _ = c.Close() })() // which ends every call below
	s, err := smtp.NewClient(c, host)
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", r.Server, err), c.Close())
	}
	defer func() { _ = s.Close() }() // after Quit it is closed
	if err := sendMail(s, secure, r, m, now); err != nil {
		return fmt.Errorf("%s: %w", r.Server, err)
	}
	return nil
}

// sendMail talks to a mail server.
func sendMail(s *smtp.Client, secure *tls.Config, r alarmRecord, m alarmMessage, now time.Time) error {
	if err := s.Hello(helloName(m.Host)); err != nil {
		return err
	}
	if r.TLS == MailSTARTTLS {
		if err := s.StartTLS(secure); err != nil {
			return fmt.Errorf("STARTTLS: %w", err)
		}
	}
	if r.Secret != nil {
		if err := s.Auth(smtp.PlainAuth("", r.Secret.User, string(r.Secret.Secret), secure.ServerName)); err != nil {
			return fmt.Errorf("AUTH: %w", err)
		}
	}
	if err := s.Mail(r.From); err != nil {
		return err
	}
	for _, to := range r.To {
		if err := s.Rcpt(to); err != nil {
			return fmt.Errorf("%s: %w", to, err)
		}
	}
	w, err := s.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(mailText(r, m, now)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return s.Quit()
}

// mailText is the mail, with its headers.
func mailText(r alarmRecord, m alarmMessage, now time.Time) []byte {
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", "<" + r.From + ">"},
		{"To", "<" + strings.Join(r.To, ">, <") + ">"},
		{"Subject", mime.QEncoding.Encode("utf-8", m.subject)},
		{"Date", now.Format(time.RFC1123Z)},
		{"Message-ID", "<" + rand.Text() + "@" + helloName(m.Host) + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(m.Text + "\n")) // a Buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// helloName is the host's name as a server takes it.
func helloName(host string) string {
	if host == "" || strings.ContainsAny(host, " \r\n<>") {
		return "localhost"
	}
	return host
}
