package isns

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// TestMessages splits what does not fit into one PDU, and puts it together again.
func TestMessages(t *testing.T) {
	for _, n := range []int{0, 4, maxPDU, maxPDU + 4, 3 * maxPDU, maxMessage} {
		m := message{function: devAttrReg, flags: fromClient | replace, transaction: 7, payload: bytes.Repeat([]byte{1, 2, 3, 4}, n/4)}
		encoded := m.encode()
		if pdus := max((n+maxPDU-1)/maxPDU, 1); len(encoded) != n+12*pdus {
			t.Errorf("%d bytes take %d", n, len(encoded))
		}
		got, err := readMessage(bytes.NewReader(encoded))
		if err != nil || got.function != m.function || got.flags != m.flags || got.transaction != 7 || !bytes.Equal(got.payload, m.payload) {
			t.Errorf("%d bytes come back as %d, %v", n, len(got.payload), err)
		}
	}
	long := message{payload: make([]byte, maxMessage+4)}
	if _, err := readMessage(bytes.NewReader(long.encode())); !errors.Is(err, errTooLong) {
		t.Errorf("what is too long gives %v", err)
	}
}

func TestMalformed(t *testing.T) {
	good := (&message{function: devAttrQry, payload: []byte{1, 2, 3, 4}}).encode()
	two := (&message{function: devAttrQry, payload: make([]byte, maxPDU+4)}).encode()
	second := maxPDU + 12
	tests := []struct {
		name   string
		base   []byte
		change map[int]byte
		want   string
	}{
		{"another version", good, map[int]byte{1: 2}, "version 2"},
		{"no words", good, map[int]byte{5: 3}, "not made of words"},
		{"not the first", good, map[int]byte{6: 0x08}, "first PDU"},
		{"twice the first", two, map[int]byte{second + 6: 0x0c}, "first PDU"},
		{"another function", two, map[int]byte{second + 3: 9}, "PDU of another"},
		{"another transaction", two, map[int]byte{second + 9: 9}, "PDU of another"},
		{"the same sequence", two, map[int]byte{second + 11: 0}, "PDU of another"},
		{"longer than it is", good, map[int]byte{5: 8}, io.ErrUnexpectedEOF.Error()},
		{"without an end", good, map[int]byte{6: 0x04}, "EOF"},
	}
	for _, tt := range tests {
		p := bytes.Clone(tt.base)
		for i, b := range tt.change {
			p[i] = b
		}
		if _, err := readMessage(bytes.NewReader(p)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestAnswers(t *testing.T) {
	var a attributes
	a.text(nodeName, "iqn")
	a.text(nodeAlias, "four")
	a.number(registrationPeriod, 600)
	a.empty(groupTag)
	want := []attribute{{nodeName, []byte("iqn\x00")}, {nodeAlias, []byte("four\x00\x00\x00\x00")}, {registrationPeriod, []byte{0, 0, 2, 0x58}}, {groupTag, []byte{}}}
	got, err := parseAnswer(append(make([]byte, 4), a...))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the attributes are %v, %v", got, err)
	}
	for _, cut := range []int{1, 7, len(a) - 4} {
		if list, err := parseAnswer(append(make([]byte, 4), a[:cut]...)); !errors.Is(err, errAttribute) || list != nil {
			t.Errorf("%d bytes are %v, %v", cut, list, err)
		}
	}
	if _, err := parseAnswer([]byte{0, 0, 0}); err == nil {
		t.Error("an answer without a status is one")
	}
	for status, want := range map[byte]string{8: "8: source unauthorized", 4: "answers 4", 99: "answers 99"} {
		if _, err := parseAnswer([]byte{0, 0, 0, status}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("status %d is %v", status, err)
		}
	}
}

// FuzzMessage: whatever a server sends is refused, or is what it would be if we had sent it.
func FuzzMessage(f *testing.F) {
	e := testEntity()
	for _, m := range append(e.registrations(e.source()), e.deregistration(e.source()), refresh(e.source()), message{payload: make([]byte, maxPDU+8)}) {
		f.Add(m.encode())
		f.Add((&message{function: m.function | response, payload: append(make([]byte, 4), m.payload...)}).encode())
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		m, err := readMessage(bytes.NewReader(p))
		if err != nil {
			if m.payload != nil {
				t.Error("an error comes with a payload")
			}
			return
		}
		again, err := readMessage(bytes.NewReader(m.encode()))
		if err != nil || again.function != m.function || again.flags != m.flags || again.transaction != m.transaction || !bytes.Equal(again.payload, m.payload) {
			t.Errorf("%v comes back as %v, %v", m, again, err)
		}
		list, err := parseAnswer(m.payload)
		if err != nil {
			if list != nil {
				t.Error("an error comes with attributes")
			}
			return
		}
		var back attributes
		for _, a := range list {
			back.put(a.tag, a.value)
		}
		if !bytes.Equal(back, m.payload[4:]) {
			t.Error("the attributes are not the payload")
		}
	})
}
