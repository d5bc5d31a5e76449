package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
)

// ErrNotServing says that nothing listens on the socket.
var ErrNotServing = errors.New("no lunar daemon is listening")

// maxAnswer bounds what the client reads, in bytes.
const maxAnswer = 64 << 20

// A Client asks a daemon. Its errors are Problems; ErrNotServing is in them when there is no
// daemon.
type Client struct {
	socket  string // or the remote API's URL
	base    string // of URLs
	token   string
	refused error // why nothing can be asked
	http    http.Client
}

// NewClient returns a client of the daemon that listens on socket.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	return &Client{socket: socket, base: "http://lunar", http: http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

func (c *Client) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, "GET", "/v1/status", nil)
}

func (c *Client) Doctor(ctx context.Context) (Diagnosis, error) {
	return ask[Diagnosis](ctx, c, "GET", "/v1/doctor", nil)
}

func (c *Client) Units(ctx context.Context) ([]UnitInfo, error) {
	return ask[[]UnitInfo](ctx, c, "GET", "/v1/units", nil)
}

func (c *Client) Unit(ctx context.Context, name string) (UnitInfo, error) {
	return ask[UnitInfo](ctx, c, "GET", unitPath(name), nil)
}

func (c *Client) CreateUnit(ctx context.Context, r UnitCreate) (UnitInfo, error) {
	return ask[UnitInfo](ctx, c, "POST", "/v1/units", r)
}

func (c *Client) ImportUnit(ctx context.Context, r UnitImport) (UnitImported, error) {
	return ask[UnitImported](ctx, c, "POST", "/v1/units/import", r)
}

func (c *Client) ModifyUnit(ctx context.Context, name string, r UnitModify) (UnitModified, error) {
	return ask[UnitModified](ctx, c, "PATCH", unitPath(name), r)
}

func (c *Client) ResizeUnit(ctx context.Context, name string, r UnitResize) (UnitInfo, error) {
	return ask[UnitInfo](ctx, c, "POST", unitPath(name)+"/resize", r)
}

func (c *Client) OnlineUnit(ctx context.Context, name string) (UnitInfo, error) {
	return ask[UnitInfo](ctx, c, "POST", unitPath(name)+"/online", nil)
}

func (c *Client) OfflineUnit(ctx context.Context, name string, r UnitTakeOffline) (UnitInfo, error) {
	return ask[UnitInfo](ctx, c, "POST", unitPath(name)+"/offline", r)
}

func (c *Client) RetireUnit(ctx context.Context, name string, r UnitRetire) (UnitInfo, error) {
	return ask[UnitInfo](ctx, c, "POST", unitPath(name)+"/retire", r)
}

func (c *Client) DeleteUnit(ctx context.Context, name string, r UnitDelete) (UnitDeleted, error) {
	return ask[UnitDeleted](ctx, c, "DELETE", unitPath(name), r)
}

func (c *Client) Targets(ctx context.Context) ([]TargetInfo, error) {
	return ask[[]TargetInfo](ctx, c, "GET", "/v1/targets", nil)
}

func (c *Client) CreateTarget(ctx context.Context, r TargetCreate) (TargetInfo, error) {
	return ask[TargetInfo](ctx, c, "POST", "/v1/targets", r)
}

func (c *Client) ModifyTarget(ctx context.Context, name string, r TargetModify) (TargetInfo, error) {
	return ask[TargetInfo](ctx, c, "PATCH", targetPath(name), r)
}

func (c *Client) OnlineTarget(ctx context.Context, name string) (TargetInfo, error) {
	return ask[TargetInfo](ctx, c, "POST", targetPath(name)+"/online", nil)
}

func (c *Client) OfflineTarget(ctx context.Context, name string) (TargetInfo, error) {
	return ask[TargetInfo](ctx, c, "POST", targetPath(name)+"/offline", nil)
}

func (c *Client) DeleteTarget(ctx context.Context, name string, r TargetDelete) (TargetInfo, error) {
	return ask[TargetInfo](ctx, c, "DELETE", targetPath(name), r)
}

func (c *Client) Groups(ctx context.Context) ([]GroupInfo, error) {
	return ask[[]GroupInfo](ctx, c, "GET", "/v1/portal-groups", nil)
}

func (c *Client) CreateGroup(ctx context.Context, r GroupCreate) (GroupInfo, error) {
	return ask[GroupInfo](ctx, c, "POST", "/v1/portal-groups", r)
}

func (c *Client) ModifyGroup(ctx context.Context, name string, r GroupModify) (GroupInfo, error) {
	return ask[GroupInfo](ctx, c, "PATCH", groupPath(name), r)
}

func (c *Client) ModifyPortals(ctx context.Context, name string, r PortalsModify) (GroupInfo, error) {
	return ask[GroupInfo](ctx, c, "POST", groupPath(name)+"/portals", r)
}

func (c *Client) DeleteGroup(ctx context.Context, name string, r GroupDelete) (GroupInfo, error) {
	return ask[GroupInfo](ctx, c, "DELETE", groupPath(name), r)
}

func (c *Client) Initiators(ctx context.Context) ([]InitiatorInfo, error) {
	return ask[[]InitiatorInfo](ctx, c, "GET", "/v1/initiators", nil)
}

func (c *Client) CreateInitiator(ctx context.Context, r InitiatorCreate) (InitiatorInfo, error) {
	return ask[InitiatorInfo](ctx, c, "POST", "/v1/initiators", r)
}

func (c *Client) ModifyInitiator(ctx context.Context, name string, r InitiatorModify) (InitiatorInfo, error) {
	return ask[InitiatorInfo](ctx, c, "PATCH", initiatorPath(name), r)
}

func (c *Client) DeleteInitiator(ctx context.Context, name string) (InitiatorInfo, error) {
	return ask[InitiatorInfo](ctx, c, "DELETE", initiatorPath(name), nil)
}

func (c *Client) MemberGroups(ctx context.Context, kind GroupKind) ([]MemberGroupInfo, error) {
	return ask[[]MemberGroupInfo](ctx, c, "GET", memberGroupsPath(kind), nil)
}

func (c *Client) MemberGroup(ctx context.Context, kind GroupKind, name string) (MemberGroupInfo, error) {
	return ask[MemberGroupInfo](ctx, c, "GET", memberGroupPath(kind, name), nil)
}

func (c *Client) CreateMemberGroup(ctx context.Context, kind GroupKind, r MemberGroupCreate) (MemberGroupInfo, error) {
	return ask[MemberGroupInfo](ctx, c, "POST", memberGroupsPath(kind), r)
}

func (c *Client) ModifyHostGroup(ctx context.Context, name string, r HostGroupModify) (MemberGroupInfo, error) {
	return ask[MemberGroupInfo](ctx, c, "PATCH", memberGroupPath(HostGroups, name), r)
}

func (c *Client) DeleteMemberGroup(ctx context.Context, kind GroupKind, name string) (MemberGroupInfo, error) {
	return ask[MemberGroupInfo](ctx, c, "DELETE", memberGroupPath(kind, name), nil)
}

func (c *Client) AddMembers(ctx context.Context, kind GroupKind, name string, r MembersChange) (MemberGroupInfo, error) {
	return ask[MemberGroupInfo](ctx, c, "POST", memberGroupPath(kind, name)+"/add", r)
}

func (c *Client) RemoveMembers(ctx context.Context, kind GroupKind, name string, r MembersChange) (MemberGroupInfo, error) {
	return ask[MemberGroupInfo](ctx, c, "POST", memberGroupPath(kind, name)+"/remove", r)
}

func (c *Client) Views(ctx context.Context) ([]ViewInfo, error) {
	return ask[[]ViewInfo](ctx, c, "GET", "/v1/views", nil)
}

func (c *Client) UnitViews(ctx context.Context, name string) ([]ViewInfo, error) {
	return ask[[]ViewInfo](ctx, c, "GET", unitPath(name)+"/views", nil)
}

func (c *Client) AddView(ctx context.Context, r ViewAdd) (ViewInfo, error) {
	return ask[ViewInfo](ctx, c, "POST", "/v1/views", r)
}

func (c *Client) RemoveView(ctx context.Context, name string) (ViewInfo, error) {
	return ask[ViewInfo](ctx, c, "DELETE", "/v1/views/"+url.PathEscape(name), nil)
}

func (c *Client) Discovery(ctx context.Context) (DiscoveryInfo, error) {
	return ask[DiscoveryInfo](ctx, c, "GET", "/v1/discovery", nil)
}

func (c *Client) ModifyDiscovery(ctx context.Context, r DiscoveryModify) (DiscoveryInfo, error) {
	return ask[DiscoveryInfo](ctx, c, "PATCH", "/v1/discovery", r)
}

func (c *Client) Tokens(ctx context.Context) ([]TokenInfo, error) {
	return ask[[]TokenInfo](ctx, c, "GET", "/v1/tokens", nil)
}

func (c *Client) CreateToken(ctx context.Context, r TokenCreate) (TokenCreated, error) {
	return ask[TokenCreated](ctx, c, "POST", "/v1/tokens", r)
}

func (c *Client) RevokeToken(ctx context.Context, name string) (TokenInfo, error) {
	return ask[TokenInfo](ctx, c, "DELETE", "/v1/tokens/"+url.PathEscape(name), nil)
}

func (c *Client) ExportConfig(ctx context.Context, r ConfigExport) (ConfigExported, error) {
	return ask[ConfigExported](ctx, c, "POST", "/v1/config/export", r)
}

func (c *Client) ImportConfig(ctx context.Context, r ConfigImport) (ConfigPlan, error) {
	return ask[ConfigPlan](ctx, c, "POST", "/v1/config/import", r)
}

func (c *Client) ConfigHistory(ctx context.Context) ([]ConfigChanged, error) {
	return ask[[]ConfigChanged](ctx, c, "GET", "/v1/config/history", nil)
}

func (c *Client) RollbackConfig(ctx context.Context, number string, r ConfigRollback) (ConfigPlan, error) {
	return ask[ConfigPlan](ctx, c, "POST", "/v1/config/history/"+url.PathEscape(number)+"/rollback", r)
}

func (c *Client) ApplyConfig(ctx context.Context, r ConfigApply) (ConfigPlan, error) {
	return ask[ConfigPlan](ctx, c, "POST", "/v1/config/apply", r)
}

func (c *Client) ISNS(ctx context.Context) (ISNSInfo, error) {
	return ask[ISNSInfo](ctx, c, "GET", "/v1/isns", nil)
}

func (c *Client) ModifyISNS(ctx context.Context, r ISNSModify) (ISNSInfo, error) {
	return ask[ISNSInfo](ctx, c, "PATCH", "/v1/isns", r)
}

func (c *Client) Alarms(ctx context.Context) (AlarmsInfo, error) {
	return ask[AlarmsInfo](ctx, c, "GET", "/v1/alarms", nil)
}

func (c *Client) SetAlarm(ctx context.Context, way string, r AlarmSet) (AlarmWay, error) {
	return ask[AlarmWay](ctx, c, "PATCH", "/v1/alarms/"+url.PathEscape(way), r)
}

func (c *Client) RemoveAlarm(ctx context.Context, way string) (AlarmWay, error) {
	return ask[AlarmWay](ctx, c, "DELETE", "/v1/alarms/"+url.PathEscape(way), nil)
}

func (c *Client) TestAlarm(ctx context.Context, way string) (AlarmWay, error) {
	return ask[AlarmWay](ctx, c, "POST", "/v1/alarms/"+url.PathEscape(way)+"/test", nil)
}

func (c *Client) RADIUS(ctx context.Context) (RADIUSInfo, error) {
	return ask[RADIUSInfo](ctx, c, "GET", "/v1/radius", nil)
}

func (c *Client) ModifyRADIUS(ctx context.Context, r RADIUSModify) (RADIUSInfo, error) {
	return ask[RADIUSInfo](ctx, c, "PATCH", "/v1/radius", r)
}

func (c *Client) Sessions(ctx context.Context) ([]SessionStatus, error) {
	return ask[[]SessionStatus](ctx, c, "GET", "/v1/sessions", nil)
}

func (c *Client) Session(ctx context.Context, id uint64) (SessionStatus, error) {
	return ask[SessionStatus](ctx, c, "GET", sessionPath(id), nil)
}

func (c *Client) Statistics(ctx context.Context) (Statistics, error) {
	return ask[Statistics](ctx, c, "GET", "/v1/statistics", nil)
}

func (c *Client) CloseSession(ctx context.Context, id uint64) (Session, error) {
	return ask[Session](ctx, c, "DELETE", sessionPath(id), nil)
}

func unitPath(name string) string      { return "/v1/units/" + url.PathEscape(name) }
func targetPath(name string) string    { return "/v1/targets/" + url.PathEscape(name) }
func groupPath(name string) string     { return "/v1/portal-groups/" + url.PathEscape(name) }
func sessionPath(id uint64) string     { return "/v1/sessions/" + strconv.FormatUint(id, 10) }
func initiatorPath(name string) string { return "/v1/initiators/" + url.PathEscape(name) }

func memberGroupsPath(kind GroupKind) string {
	if kind == TargetGroups {
		return "/v1/target-groups"
	}
	return "/v1/host-groups"
}

func memberGroupPath(kind GroupKind, name string) string {
	return memberGroupsPath(kind) + "/" + url.PathEscape(name)
}

// ask sends one request, q its body unless nil, and reads the answer.
func ask[A any](ctx context.Context, c *Client, method, path string, q any) (a A, err error) {
	if c.refused != nil {
		return a, c.refused
	}
	var body io.Reader = http.NoBody
	if q != nil {
		encoded, err := json.Marshal(q)
		if err != nil {
			return a, fmt.Errorf("encoding the request: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return a, fmt.Errorf("making the request: %w", err)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return a, c.explain(err)
	}
	defer func() { _ = response.Body.Close() }() // it was read, or does not matter
	answered := json.NewDecoder(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode == http.StatusOK {
		if err := answered.Decode(&a); err != nil {
			return a, c.strange(err.Error())
		}
		return a, nil
	}
	p := new(Problem)
	if err := answered.Decode(p); err != nil || p.Title == "" {
		return a, c.strange(response.Status)
	}
	return a, p
}

// explain says what to do about a daemon that cannot be reached.
func (c *Client) explain(err error) error {
	switch {
	case distrusted(err):
		return &Problem{
			Title: fmt.Sprintf("%s is not trusted: %v", c.socket, err),
			Hint:  "Compare with the fingerprint in the daemon's log, and give it with --api-fingerprint; or trust its api.crt with --api-ca.",
			cause: err,
		}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return &Problem{
			Title: fmt.Sprintf("%v on %s", ErrNotServing, c.socket),
			Hint:  "Start it with lunar serve, or name its socket with --api or $LUNAR_API.",
			cause: ErrNotServing,
		}
	case errors.Is(err, fs.ErrPermission):
		return &Problem{
			Title: "this user may not use the socket " + c.socket,
			Hint:  "Ask as the user that the daemon runs as, or as root.",
			cause: err,
		}
	}
	return &Problem{Title: fmt.Sprintf("asking the daemon on %s: %v", c.socket, err), Hint: "lunar status shows whether it still answers.", cause: err}
}

func (c *Client) strange(what string) error {
	return &Problem{Title: fmt.Sprintf("%s gives an answer that is not lunar's: %s", c.socket, what), Hint: "Are client and daemon of the same version? Is it the right socket?"}
}
