// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import TestSupport
import Testing

@testable import S3Storage

@Suite struct RetryMachineTests {
    let policy = RetryPolicy(
        attempts: 5, firstDelay: .milliseconds(100), longestDelay: .milliseconds(300))
    static let slowDown = CallFailure.refused(.init(status: 503, code: "SlowDown", message: ""))
    static let gateway = CallFailure.refused(.init(status: 502, code: "", message: ""))

    @Test(arguments: UInt64(0)..<50)
    func `waits grow to a limit, with jitter, and end`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var machine = RetryMachine(policy: policy, repeatability: .repeatable)
        var delays: [Duration] = []
        while case .tryAgain(let delay) = machine.failed(Self.slowDown, using: &random) {
            delays.append(delay)
        }

        #expect(delays.count == 4 && machine.attempts == 5)
        for (delay, longest) in zip(delays, [100, 200, 300, 300]) {
            #expect(delay >= .zero && delay <= .milliseconds(longest))
        }
    }

    @Test func `many clients do not come back at once`() {
        var random = SeededGenerator(seed: 1)
        let delays = (0..<100).map { _ in
            var machine = RetryMachine(policy: policy, repeatability: .repeatable)
            return machine.failed(Self.slowDown, using: &random)
        }

        #expect(Set(delays).count > 30)
    }

    @Test func `a server's wish to wait is kept, within the limit`() {
        var random = SeededGenerator(seed: 1)
        for (asked, longest) in [(Duration.milliseconds(250), 250), (.seconds(60), 300)] {
            var machine = RetryMachine(policy: policy, repeatability: .repeatable)
            let failure = CallFailure.refused(
                .init(status: 503, code: "SlowDown", message: "", retryAfter: asked))
            #expect(
                machine.failed(failure, using: &random)
                    == .tryAgain(after: .milliseconds(longest)))
        }
    }

    @Test(arguments: [
        (CallFailure.notSent(reason: ""), true, true), (.broken(reason: ""), true, false),
        (slowDown, true, true), (gateway, true, false), (.nonsense(reason: ""), true, false),
        (.refused(.init(status: 500, code: "InternalError", message: "")), true, false),
        (.refused(.init(status: 503, code: "", message: "")), true, false),
        (.refused(.init(status: 429, code: "", message: "")), true, true),
        (.refused(.init(status: 409, code: "ConditionalRequestConflict", message: "")), true, true),
        (.refused(.init(status: 400, code: "RequestTimeout", message: "")), true, true),
        (.refused(.init(status: 403, code: "AccessDenied", message: "")), false, false),
        (.refused(.init(status: 412, code: "PreconditionFailed", message: "")), false, false),
        (.refused(.init(status: 404, code: "NoSuchKey", message: "")), false, false),
        (.refused(.init(status: 501, code: "NotImplemented", message: "")), false, false),
        (.cancelled, false, false), (.tooLarge, false, false),
        (.noCredentials(.missing(reason: "")), false, false),
    ])
    func `what is tried again depends on what may have happened`(
        failure: CallFailure, whenRepeatable: Bool, whenOnce: Bool
    ) {
        var random = SeededGenerator(seed: 1)
        for (kind, isExpected) in [
            (RetryMachine.Repeatability.repeatable, whenRepeatable), (.once, whenOnce),
        ] {
            var machine = RetryMachine(policy: policy, repeatability: kind)
            let action = machine.failed(failure, using: &random)
            #expect((action != .giveUp) == isExpected)
        }
    }

    @Test func `one doubtful try makes the whole call doubtful`() {
        var random = SeededGenerator(seed: 1)
        var machine = RetryMachine(policy: policy, repeatability: .repeatable)

        _ = machine.failed(Self.slowDown, using: &random)
        #expect(!machine.mayHaveHappened)
        _ = machine.failed(Self.gateway, using: &random)
        _ = machine.failed(Self.slowDown, using: &random)

        #expect(machine.mayHaveHappened)
    }

    @Test func `one try is no retry`() {
        var random = SeededGenerator(seed: 1)
        for attempts in [0, 1] {
            let policy = RetryPolicy(
                attempts: attempts, firstDelay: .zero, longestDelay: .zero)
            var machine = RetryMachine(policy: policy, repeatability: .repeatable)
            #expect(machine.failed(Self.slowDown, using: &random) == .giveUp)
        }
    }
}

@Suite struct MultipartMachineTests {
    /// Runs a machine over chunks; parts end in any order.
    private func run(
        _ chunks: [[UInt8]], partBytes: Int, underWay: Int, using random: inout SeededGenerator
    ) -> (parts: [Int: [UInt8]], whole: [UInt8]?, tags: [String], mostUnderWay: Int) {
        var machine = MultipartMachine(partBytes: partBytes, maximumUnderWay: underWay)
        var rest = chunks[...]
        var parts: [Int: [UInt8]] = [:]
        var running: [Int] = []
        var most = 0
        while true {
            switch machine.next() {
            case .readMore:
                if let chunk = rest.popFirst() {
                    machine.received(chunk)
                } else {
                    machine.sourceEnded()
                }
            case .writeWhole(let bytes): return (parts, bytes, [], most)
            case .start: machine.started()
            case .upload(let number, let bytes):
                parts[number] = bytes
                running.append(number)
                most = max(most, running.count)
            case .waitForPart:
                let number = running.remove(at: Int.random(in: 0..<running.count, using: &random))
                machine.uploaded(number, tag: "tag-\(number)")
            case .complete(let tags): return (parts, nil, tags, most)
            case .refuse: return (parts, nil, ["refused"], most)
            }
        }
    }

    @Test(arguments: UInt64(0)..<200)
    func `parts are full, in order and together the object`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let partBytes = Int.random(in: 1...50, using: &random)
        let underWay = Int.random(in: 1...4, using: &random)
        let chunks = (0..<Int.random(in: 0...20, using: &random)).map { _ in
            (0..<Int.random(in: 0...120, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
        }
        let bytes = chunks.flatMap { $0 }

        let result = run(chunks, partBytes: partBytes, underWay: underWay, using: &random)

        if bytes.count <= partBytes {
            #expect(result.whole == bytes && result.parts.isEmpty)
            return
        }
        let numbers = result.parts.keys.sorted()
        #expect(numbers == Array(1...numbers.count))
        #expect(numbers.flatMap { result.parts[$0] ?? [] } == bytes)
        #expect(numbers.dropLast().allSatisfy { result.parts[$0]?.count == partBytes })
        #expect(result.parts[numbers.count]?.isEmpty == false)
        #expect(result.tags == numbers.map { "tag-\($0)" })
        #expect(result.mostUnderWay <= underWay)
    }

    @Test(arguments: [3, 4])
    func `an upload has as many parts as it may, and no more`(count: Int) {
        var machine = MultipartMachine(partBytes: 1, maximumUnderWay: 10, maximumParts: 3)
        machine.received([UInt8](repeating: 1, count: count))
        machine.sourceEnded()
        #expect(machine.next() == .start)
        machine.started()
        for number in 1...3 {
            #expect(machine.next() == .upload(number: number, bytes: [1]))
            machine.uploaded(number, tag: "t")
        }

        #expect(machine.next() == (count == 3 ? .complete(tags: ["t", "t", "t"]) : .refuse))
    }
}

@Suite struct RequestTests {
    @Test func `the parts' length keeps within what the API allows`() throws {
        var settings = S3Settings(endpoint: try S3Endpoint(url: "http://h"), region: "r")
        for (wanted, allowed) in [
            (1, S3Limits.smallestPartBytes),
            (S3Limits.smallestPartBytes, S3Limits.smallestPartBytes),
            (6 << 20, 6 << 20), (1 << 40, S3Limits.largestPartBytes),
        ] {
            settings.partBytes = wanted
            #expect(settings.allowedPartBytes == allowed)
        }
    }

    @Test func `a bulk removal is written with every key escaped, and a digest`() throws {
        let request = try #require(
            S3Request.deleteMany(bucket: "b", keys: ["a&b", "<c>", "d\re", "é"]))
        let text = String(decoding: request.body, as: UTF8.self)

        #expect(text.contains("<Key>a&amp;b</Key>") && text.contains("<Key>&lt;c&gt;</Key>"))
        #expect(text.contains("<Key>d&#13;e</Key>") && text.contains("<Key>é</Key>"))
        #expect(request.headers.contains { $0.name == "Content-MD5" && $0.value.count == 24 })
        #expect(S3Request.deleteMany(bucket: "b", keys: ["a", "b\u{0}"]) == nil)
        #expect(S3Request.deleteMany(bucket: "b", keys: ["b\u{FFFF}"]) == nil)
    }

    @Test func `marks are never the same twice`() {
        let marks = Set((0..<1000).map { _ in WriteMark.new() })

        #expect(marks.count == 1000 && marks.allSatisfy { $0.utf8.count == 32 })
    }
}
