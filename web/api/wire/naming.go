package wire

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/resource"
)

// CheckFailure is what Nacos' parameter check, which runs before the handlers, says of a request.
type CheckFailure string

// Error makes a CheckFailure an error that handlers can return.
func (f CheckFailure) Error() string { return string(f) }

// CheckNaming is the parameter check that Nacos makes on the way to the handlers of services and instances: of each
// parameter the first value, blank ones passing. It returns the text of the refusal, "" when there is none.
func (p *Params) CheckNaming() string {
	service, group := SplitService(p.firstOf("serviceName", "serviceNameParam"), p.firstOf("groupName", "groupNameParam"))
	namespace, _ := p.First("namespaceId")
	if text := resource.CheckNames(namespace, "", ""); text != "" {
		return text
	}
	if text, bad := refusal(service, resource.CheckServiceName); bad {
		return text
	}
	if text := resource.CheckNames("", "", group); text != "" {
		return text
	}
	for clusters := p.firstOf("clusterName", "cluster", "clusters"); clusters != ""; {
		var one string
		one, clusters, _ = strings.Cut(clusters, ",")
		if text, bad := refusal(one, resource.CheckCluster); bad {
			return text
		}
	}
	ip, _ := p.First("ip")
	if text := checkIP(ip); text != "" {
		return text
	}
	if port := p.firstOf("port", "checkPort"); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
			return resource.PortRange
		}
	}
	return ""
}

func refusal(value string, check func(string) error) (text string, bad bool) {
	if Blank(value) {
		return "", false
	}
	return resource.Refusal(check(value))
}

// SplitService returns the name and the group of a service: those of a grouped name, group@@name, or else the two as they are.
func SplitService(service, group string) (string, string) {
	if g, s, grouped := strings.Cut(service, resource.GroupSeparator); grouped {
		return s, g
	}
	return service, group
}

// Texts of what a grouped name can lack.
const (
	NotGrouped    = "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'"
	GroupMissing  = "Param 'serviceName' is illegal, groupName can't be empty"
	WeightRange   = "instance format invalid: The weights range from 0.0 to 10000.0"
	beatsOrder    = "Instance 'heart beat interval' must less than 'heart beat timeout' and 'ip delete timeout'."
	noSelector    = "not match any type of selector!"
	layerOfClient = "errCode: 400, errMsg: "
)

// GroupedKey returns the service that a grouped name is, or one of the default group when it is not grouped. bad is what is
// wrong with it, "" when nothing is.
func GroupedKey(namespace, group, service string) (k naming.Key, bad string) {
	if Blank(group) {
		group = resource.DefaultGroup
	}
	name, group := SplitService(service, group)
	switch {
	case name == "":
		bad = NotGrouped
	case group == "":
		bad = GroupMissing
	}
	return naming.Key{Namespace: Namespace(namespace), Group: group, Name: name}, bad
}

// NamingRefusal returns how Nacos' HTTP API says a fault of the registry; other errors are returned as they are.
func NamingRefusal(err error) error {
	if err == nil {
		return nil
	}
	var v *resource.Violation
	if errors.As(err, &v) {
		if text, ok := resource.Refusal(err); ok {
			return CheckFailure(text)
		}
		return Missing("Required parameter '" + string(v.Field) + "' type String is not present")
	}
	text := fault.TextOf(err)
	switch fault.CodeOf(err) {
	case naming.CodePort:
		return CheckFailure(resource.PortRange)
	case naming.CodeWeight:
		return Refuse(fiber.StatusBadRequest, WeightError, WeightRange)
	case naming.CodeMetadata:
		return CheckFailure("Param 'Metadata' is illegal, " + text + ".")
	case naming.CodeBeats:
		return Refuse(fiber.StatusBadRequest, InstanceError, beatsOrder)
	case naming.CodeKind: // the blank at the end is Nacos', too
		return Refuse(fiber.StatusBadRequest, ServerError, layerOfClient+text+" ")
	case naming.CodeServiceAbsent:
		return Refuse(fiber.StatusBadRequest, ServiceNotExist, text)
	case naming.CodeServiceExists:
		return Refuse(fiber.StatusBadRequest, ServiceExists, text)
	case naming.CodeServiceNotEmpty:
		return Refuse(fiber.StatusBadRequest, ServiceDeleteFailure, text)
	case naming.CodeProbed:
		return Refuse(fiber.StatusBadRequest, ServerError, text)
	case naming.CodeSelector:
		return Refuse(fiber.StatusBadRequest, SelectorError, noSelector)
	case naming.CodeSwitch:
		return Refuse(fiber.StatusBadRequest, ParameterInvalid, text)
	}
	return err
}

// maxUser is the most bytes that are kept of a user's name, which requests may say as they like, and maxAgent of a library's.
const (
	maxUser  = 128
	maxAgent = 256
)

// NamingActor returns who asks for a change of the registry.
func (d *Deps) NamingActor(c *fiber.Ctx, p *Params) naming.Actor {
	return naming.Actor{User: kept(p.firstOf("username"), maxUser), IP: d.ClientIP(c)}
}

// kept returns a copy of a text from outside: UTF-8, of most bytes at the most.
func kept(s string, most int) string {
	return strings.ToValidUTF8(strings.Clone(s[:min(len(s), most)]), "")
}

// Truth reads a word for yes or no as Nacos' naming does; known is false for another word.
func Truth(word string) (yes, known bool) {
	word = strings.TrimSpace(word)
	for _, w := range [...]string{"true", "yes", "on", "t", "y", "1"} {
		if strings.EqualFold(word, w) {
			return true, true
		}
	}
	for _, w := range [...]string{"false", "no", "off", "f", "n", "0"} {
		if strings.EqualFold(word, w) {
			return false, true
		}
	}
	return false, false
}

// Weight reads the weight of an instance; "" when it is none.
func Weight(text string) (w float64, bad string) {
	w, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	switch {
	case err != nil && !math.IsInf(w, 0):
		return 0, "For input string: \"" + text + "\""
	case naming.CheckWeight(w) != nil:
		return 0, WeightRange
	}
	return w, ""
}

// Metadata reads what a parameter says of metadata: an object of JSON whose values are scalars, or k1=v1,k2=v2. What it returns
// may share the bytes of text.
func (d *Deps) Metadata(text string) (naming.Metadata, error) {
	most := d.Naming.MaxMetadata()
	if len(text) > 32*most { // however it is written
		return nil, CheckFailure(resource.TooLong("Metadata", most))
	}
	m, ok := metadata(text)
	switch {
	case !ok:
		return nil, Refuse(fiber.StatusBadRequest, InstanceMetadataError, "metadata format incorrect:"+text)
	case naming.CheckMetadata(m, most) != nil:
		return nil, CheckFailure(resource.TooLong("Metadata", most))
	}
	return m, nil
}

func metadata(text string) (naming.Metadata, bool) {
	if Blank(text) {
		return nil, true
	}
	if m, ok := flatObject(text); ok {
		return m, true
	}
	found := make(map[string]string)
	for one := range strings.SplitSeq(strings.TrimRight(strings.ToValidUTF8(text, "\uFFFD"), ","), ",") {
		parts := strings.Split(strings.TrimRight(one, "="), "=")
		if len(parts) != 2 {
			return nil, false
		}
		found[parts[0]] = parts[1]
	}
	return naming.MetadataOf(found), true
}
