// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// What ``Job/aftermath`` says of the engine, in its member `engine_state`.
public enum Aftermath {
    /// It was asked to stop and has not answered yet.
    static let engineStopping: JSONValue = ["engine_state": "engine_stopping"]
    /// It has stopped.
    static let engineStopped: JSONValue = ["engine_state": "engine_stopped"]
    /// It was asked to stop and could not be seen to have.
    static let engineUnknown: JSONValue = ["engine_state": "engine_unknown"]

    /// What a job says whose table was held as long as one is, ``SweepPolicy/engineHoldLimit``,
    /// and then freed although nobody had seen the engine stop.
    ///
    /// These members replace those of the aftermath before, if it was an object.
    public static let givenUp: JSONValue = [
        "engine_state": "engine_unknown",
        "note": """
        the table was held for 24 hours; nobody could see whether the engine had stopped, and the \
        table is free now
        """,
    ]

    /// Whether nothing of the job runs any more.
    public static func saysStopped(_ aftermath: JSONValue) -> Bool {
        aftermath.objectValue?["engine_state"] == "engine_stopped"
    }

    /// ``givenUp`` over what was said before.
    public static func givingUp(after earlier: JSONValue?) -> JSONValue {
        var object = earlier?.objectValue ?? JSONObject()
        for member in givenUp.objectValue?.members ?? [] { object[member.key] = member.value }
        return .object(object)
    }

    /// Whether two aftermaths say the same of the engine to a person.
    static func saysTheSame(_ one: JSONValue?, _ other: JSONValue) -> Bool {
        ["engine_state", "note"].allSatisfy {
            one?.objectValue?[$0] == other.objectValue?[$0]
        }
    }
}
