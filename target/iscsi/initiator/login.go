package initiator

import (
	"bytes"
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/lunarsan/lunar/target/iscsi"
)

// A LoginError is a login that the target refused.
type LoginError struct {
	Status iscsi.LoginStatus
	Keys   map[string]string // with TargetAddress, for a redirection
}

func (e *LoginError) Error() string { return "refused: " + e.Status.String() }

// usual is what this initiator proposes unless Options.Keys say otherwise.
var usual = []string{
	"HeaderDigest=None", "DataDigest=None", "MaxRecvDataSegmentLength=262144",
	"MaxConnections=1", "InitialR2T=No", "ImmediateData=Yes",
	"MaxBurstLength=262144", "FirstBurstLength=262144", "MaxOutstandingR2T=1",
	"DefaultTime2Wait=2", "DefaultTime2Retain=0", "DataPDUInOrder=Yes", "DataSequenceInOrder=Yes",
	"ErrorRecoveryLevel=0",
}

// perConnection are the keys of usual that a login to an existing session may propose.
const perConnection = 3

func (c *Conn) login() error {
	hello := []string{"InitiatorName=" + c.opts.Name}
	if c.opts.Alias != "" {
		hello = append(hello, "InitiatorAlias="+c.opts.Alias)
	}
	if c.opts.Target == "" {
		hello = append(hello, "SessionType=Discovery")
	} else {
		hello = append(hello, "TargetName="+c.opts.Target)
		if c.opts.TSIH == 0 {
			hello = append(hello, "SessionType=Normal") // the default, but istgt wants it said
		}
	}
	if c.opts.CHAP == nil {
		if _, err := c.exchange(append(hello, "AuthMethod=None"), iscsi.SecurityNegotiation, iscsi.OperationalNegotiation); err != nil {
			return err
		}
	} else if err := c.authenticate(hello); err != nil {
		return err
	}
	keys := map[string]string{}
	var proposals []string
	offer := usual
	if c.opts.TSIH != 0 {
		offer = usual[:perConnection]
	}
	for _, pair := range append(offer[:len(offer):len(offer)], c.opts.Keys...) {
		k, v, _ := strings.Cut(pair, "=")
		keys[k] = v
	}
	for k, v := range keys {
		proposals = append(proposals, k+"="+v)
	}
	answers, err := c.exchange(proposals, iscsi.OperationalNegotiation, iscsi.FullFeaturePhase)
	if err != nil {
		return err
	}
	c.Local = answers
	return c.settle(keys, answers)
}

// authenticate goes through the security stage with CHAP.
func (c *Conn) authenticate(hello []string) error {
	answers, err := c.exchange(append(hello, "AuthMethod=CHAP"), iscsi.SecurityNegotiation, iscsi.SecurityNegotiation)
	if err != nil {
		return err
	}
	if answers["AuthMethod"] != "CHAP" {
		return fmt.Errorf("the target answers AuthMethod=%s", answers["AuthMethod"])
	}
	if answers, err = c.exchange([]string{"CHAP_A=5"}, iscsi.SecurityNegotiation, iscsi.SecurityNegotiation); err != nil {
		return err
	}
	challenge, err := hex.DecodeString(strings.TrimPrefix(answers["CHAP_C"], "0x"))
	if err != nil {
		return fmt.Errorf("CHAP_C: %w", err)
	}
	id, err := strconv.ParseUint(answers["CHAP_I"], 0, 8)
	if err != nil {
		return fmt.Errorf("CHAP_I: %w", err)
	}
	proof := []string{"CHAP_N=" + c.opts.CHAP.User, "CHAP_R=" + respond(byte(id), c.opts.CHAP.Secret, challenge)}
	ours := make([]byte, 16)
	rand.Read(ours)
	const oursID = 77
	if c.opts.CHAP.TargetUser != "" {
		proof = append(proof, fmt.Sprintf("CHAP_I=%d", oursID), fmt.Sprintf("CHAP_C=0x%x", ours))
	}
	if answers, err = c.exchange(proof, iscsi.SecurityNegotiation, iscsi.OperationalNegotiation); err != nil {
		return err
	}
	if c.opts.CHAP.TargetUser == "" {
		return nil
	}
	want := respond(oursID, c.opts.CHAP.TargetSecret, ours)
	if answers["CHAP_N"] != c.opts.CHAP.TargetUser || subtle.ConstantTimeCompare([]byte(strings.ToLower(answers["CHAP_R"])), []byte(want)) == 0 {
		return errors.New("the target does not prove itself")
	}
	return nil
}

func respond(id byte, secret string, challenge []byte) string {
	return fmt.Sprintf("0x%x", md5.Sum(append(append([]byte{id}, secret...), challenge...)))
}

// exchange sends keys in one Login request and returns the answer's. It asks for the
// transition when next is another stage.
func (c *Conn) exchange(keys []string, stage, next iscsi.Stage) (map[string]string, error) {
	var h iscsi.BHS
	h.Start(iscsi.OpLogin)
	h.SetImmediate()
	l := h.LoginRequest()
	l.SetTransit(stage != next)
	if stage != next {
		l.SetStages(stage, next)
	} else {
		l.SetStages(stage, 0)
	}
	l.SetISID(c.opts.ISID)
	l.SetTSIH(c.opts.TSIH)
	l.SetCID(c.opts.CID)
	h.SetCmdSN(c.CmdSN)
	h.SetExpStatSN(c.ExpStatSN)
	var text []byte
	for _, k := range keys {
		text = append(append(text, k...), 0)
	}
	if err := c.Send(&h, text); err != nil {
		return nil, err
	}
	p, err := c.Receive()
	if err != nil {
		return nil, err
	}
	if p.Opcode() != iscsi.OpLoginResponse {
		return nil, fmt.Errorf("the target answers a Login request with %v", &p.BHS)
	}
	answers := ParseText(p.Data)
	r := p.LoginResponse()
	if r.Status() != iscsi.LoginSuccess {
		return nil, &LoginError{r.Status(), answers}
	}
	if r.Transit() != (stage != next) {
		return nil, fmt.Errorf("the target does not go from stage %v to %v: %v", stage, next, &p.BHS)
	}
	c.ExpStatSN = p.StatSN() + 1
	c.TSIH = r.TSIH()
	return answers, nil
}

// ParseText returns the keys of a text.
func ParseText(text []byte) map[string]string {
	keys := map[string]string{}
	for pair := range bytes.SplitSeq(text, []byte{0}) {
		if k, v, ok := strings.Cut(string(pair), "="); ok {
			keys[k] = v
		}
	}
	return keys
}

// settle keeps what was agreed on: the target's word where it answered, else ours.
func (c *Conn) settle(proposed, answered map[string]string) error {
	p := &c.Params
	get := func(key string) string {
		if v, ok := answered[key]; ok {
			return v
		}
		return proposed[key]
	}
	number := func(key string) (n int) {
		n, _ = strconv.Atoi(get(key))
		return n
	}
	if c.opts.Session != nil {
		*p = *c.opts.Session
	} else {
		p.InitialR2T, p.ImmediateData = get("InitialR2T") == "Yes", get("ImmediateData") == "Yes"
		p.MaxBurst, p.FirstBurst = number("MaxBurstLength"), number("FirstBurstLength")
		p.MaxOutstandingR2T = number("MaxOutstandingR2T")
	}
	p.HeaderDigest, p.DataDigest = get("HeaderDigest") == "CRC32C", get("DataDigest") == "CRC32C"
	p.PeerMaxRecvSegment = 8192
	if v, ok := answered["MaxRecvDataSegmentLength"]; ok {
		n, err := strconv.Atoi(v)
		if err != nil {
			return fmt.Errorf("MaxRecvDataSegmentLength: %w", err)
		}
		p.PeerMaxRecvSegment = n
	}
	n, err := strconv.Atoi(proposed["MaxRecvDataSegmentLength"])
	p.OwnMaxRecvSegment = n
	return err
}
