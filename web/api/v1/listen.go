package v1

import (
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/web/api/wire"
)

// How long a poll is held: as the client asks, less a margin so that the answer comes before the
// client gives up, but no less than minHold, and no more than maxHold whatever is asked for.
const (
	holdMargin = 500 * time.Millisecond
	minHold    = 10 * time.Second
	maxHold    = 5 * time.Minute
)

const (
	headerTimeout  = "Long-Pulling-Timeout"
	headerNoHangup = "Long-Pulling-Timeout-No-Hangup"
)

// PollHeader are the header lines of the answer to a poll that was held, for park.Config.
const PollHeader = "Content-Type: " + wire.JSONUTF8 + "\r\n" +
	"Cache-Control: no-cache,no-store\r\nPragma: no-cache\r\nExpires: Thu, 01 Jan 1970 00:00:00 GMT\r\n"

// listen tells a client which of its configurations changed: at once where any differs, else, when
// the client asks for a long poll, as soon as one changes.
func (a *api) listen(c *fiber.Ctx, p *wire.Params) error {
	text, ok := p.Get("Listening-Configs") // kept: it outlives the handler
	if !ok || wire.Blank(text) {
		return caused(fiber.StatusBadRequest, errListening.Error())
	}
	set, refused, err := parseListening(text)
	switch {
	case err != nil:
		return caused(fiber.StatusBadRequest, err.Error())
	case refused != "":
		return wire.SendCheckFailure(c, refused)
	}
	client := config.Client{IP: a.ClientIP(c), Tag: strings.Clone(c.Get("Vipserver-Tag"))}
	timeout := c.Context().Request.Header.Peek(headerTimeout)
	if timeout == nil {
		return a.shortPoll(c, client, &set)
	}
	slot, changed, err := a.Delivery.Poll(poller(c, client), set.watches)
	if err != nil {
		return err
	}
	if len(changed) > 0 || strings.EqualFold(c.Get(headerNoHangup), "true") {
		slot.Done(false)
		return sendChanged(c, &set, set.keys(changed))
	}
	hold, err := holdTime(string(timeout))
	if err != nil {
		slot.Done(false)
		return err
	}
	return a.hold(c, &set, hold, slot)
}

// poller is who polls, for the ledger of deliveries.
func poller(c *fiber.Ctx, client config.Client) delivery.Poller {
	sdk := c.Get(fiber.HeaderUserAgent)
	if v := c.Get("Client-Version"); v != "" && !strings.HasPrefix(sdk, "Nacos-") {
		sdk = v
	}
	p := delivery.Poller{IP: client.IP, App: c.Get("Client-AppName"), SDK: sdk, Tag: client.Tag}
	if at, ok := c.Context().RemoteAddr().(*net.TCPAddr); ok {
		p.Port = uint16(at.Port)
	}
	return p
}

// hold parks the client until something changes or the time is over.
func (a *api) hold(c *fiber.Ctx, set *listeningSet, hold time.Duration, slot *delivery.Slot) error {
	encode := encodePlain
	if set.spelled != nil {
		spelled := &listeningSet{spelled: set.spelled}
		encode = func(k config.Key) []byte { return encodeOne(k, spelled.tenantOf(k)) }
	}
	poll := a.Park.New(encode)
	if changed := slot.Wait(poll); len(changed) > 0 {
		slot.Done(false)
		return sendChanged(c, set, changed)
	}
	return a.Park.Park(c.Context(), poll, hold, func() { slot.Done(poll.Left()) })
}

// holdTime returns how long to hold a poll whose client says it waits for header milliseconds.
func holdTime(header string) (time.Duration, error) {
	ms, err := strconv.ParseInt(header, 10, 64)
	if err != nil {
		return 0, caused(fiber.StatusBadRequest, "For input string: \""+header+"\"")
	}
	ms = min(max(ms, 0), math.MaxInt64/int64(time.Millisecond))
	return min(max(time.Duration(ms)*time.Millisecond-holdMargin, minHold), maxHold), nil
}

// sendChanged answers a long poll; no changed keys make an empty body.
func sendChanged(c *fiber.Ctx, set *listeningSet, changed []config.Key) error {
	if len(changed) == 0 {
		return wire.SendText(c, fiber.StatusOK, wire.JSONUTF8, "")
	}
	wire.NoCache(c)
	return wire.SendText(c, fiber.StatusOK, wire.JSONUTF8, set.encodeChanged(changed)+"\n")
}

// shortPoll compares and answers at once, without waiting: the oldest clients read two headers,
// others the body.
func (a *api) shortPoll(c *fiber.Ctx, client config.Client, set *listeningSet) error {
	slot, at, err := a.Delivery.Poll(poller(c, client), set.watches)
	if err != nil {
		return err
	}
	slot.Done(false)
	changed := set.keys(at)
	wire.NoCache(c)
	body := ""
	if readsHeaders(c.Get("Client-Version")) {
		c.Set("Probe-Modify-Response", encodeOld(changed))
		c.Set("Probe-Modify-Response-New", set.encodeChanged(changed))
	} else if len(changed) > 0 {
		body = set.encodeChanged(changed) + "\n"
	}
	return wire.SendText(c, fiber.StatusOK, wire.JSONUTF8, body)
}

// readsHeaders reports whether a client of that version reads a short poll's answer in headers:
// those before 2.0.4, and those that do not say.
func readsHeaders(version string) bool {
	var parts [3]int
	for i, part := range strings.SplitN(version, ".", 3) {
		if j := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' }); j >= 0 {
			part = part[:j]
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			return true
		}
		parts[i] = n
	}
	return slices.Compare(parts[:], []int{2, 0, 4}) < 0
}
