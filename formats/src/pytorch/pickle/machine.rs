//! The stack machine: instruction after instruction, to the one that ends a pickle.

use super::calls;
use super::globals::{self, Meaning};
use super::heap::{Heap, Id, MOST_NAME, MOST_VALUES, Value};
use super::text::{self, Part};
use crate::bytes::Stream;
use crate::failure::{Failure, Result};
use std::collections::HashMap;

/// Bytes of a line of protocol 0 that is no text.
const MOST_LINE: usize = 4096;
/// Bytes of a text of protocol 0: the source code of a module is one.
const MOST_TEXT_LINE: usize = 1 << 24;
/// Texts of more bytes are no names, and are passed over.
const MOST_KEPT: u64 = 1 << 16;
/// The last protocol that there is.
const LAST_PROTOCOL: u8 = 5;

/// Reads one pickle; what persistent ids of numbers mean is `given`. The value is what it builds.
///
/// # Errors
/// When it is damaged or cut off, or asks for what nobody should do.
pub fn load(stream: &mut Stream<'_>, heap: &mut Heap, given: &HashMap<i64, Id>) -> Result<Id> {
    let machine = Machine { stream, heap, given, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    machine.run()
}

struct Machine<'m, 's> {
    stream: &'m mut Stream<'s>,
    heap: &'m mut Heap,
    given: &'m HashMap<i64, Id>,
    stack: Vec<Id>,
    /// Heights of the stack where marks were set.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl Machine<'_, '_> {
    fn run(mut self) -> Result<Id> {
        loop {
            let opcode = self.stream.byte()?;
            if opcode == b'.' {
                return self.pop();
            }
            self.step(opcode)?;
            if self.stack.len().max(self.marks.len()).max(self.memo.len()) > MOST_VALUES {
                return Err(self.wrong("more values at a time than any checkpoint has"));
            }
        }
    }

    /// Does an instruction.
    fn step(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            b'(' => self.mark(),
            b'0' => self.drop_top(),
            b'1' => self.pop_to_mark().map(drop),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }
            b'N' => self.push(Value::Nothing),
            0x88 | 0x89 => self.push(Value::Bool(opcode == 0x88)),
            b'I' | b'L' | b'F' => self.number_line(opcode),
            b'J' => {
                let bytes = self.stream.array()?;
                self.push(Value::Int(i32::from_le_bytes(bytes).into()))
            }
            b'K' => {
                let [byte] = self.stream.array()?;
                self.push(Value::Int(byte.into()))
            }
            b'M' => {
                let bytes = self.stream.array()?;
                self.push(Value::Int(u16::from_le_bytes(bytes).into()))
            }
            b'G' => self.stream.skip(8).and_then(|()| self.push(Value::Number)),
            0x8a | 0x8b => self.long(opcode),
            b'S' | b'V' => self.text_line(opcode),
            b'U' | b'C' | 0x8c | b'T' | b'B' | b'X' | 0x8d | 0x8e | 0x96 => self.text(opcode),
            b']' | 0x8f => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b'l' | 0x91 => self.collected(Value::List),
            b't' => self.collected(Value::Tuple),
            0x85..=0x87 => self.tuple((opcode - 0x84).into()),
            b'd' => {
                let items = self.pop_to_mark()?;
                let pairs = pairs(&items);
                self.push(Value::Dict(pairs))
            }
            b'a' => self.pop().and_then(|item| self.append(&[item])),
            b'e' | 0x90 => self.pop_to_mark().and_then(|items| self.append(&items)),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])
            }
            b'u' => self.pop_to_mark().and_then(|items| self.set(&items)),
            b'p' | b'q' | b'r' | 0x94 => self.memoize(opcode),
            b'g' | b'h' | b'j' => self.recall(opcode),
            b'c' => {
                let [module, name] = [self.stream.line(MOST_NAME)?, self.stream.line(MOST_NAME)?];
                self.global(&String::from_utf8_lossy(&module), &String::from_utf8_lossy(&name))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let names = (self.heap.text(module), self.heap.text(name));
                let (Some(module), Some(name)) = names else { return Err(self.wrong("a class has no name")) };
                self.global(&module, &name)
            }
            b'R' | 0x81 | 0x92 => self.call(opcode),
            b'b' => {
                let state = self.pop()?;
                let value = self.top()?;
                calls::build(self.heap, value, state)
            }
            b'P' | b'Q' => self.persistent(opcode),
            0x80 => {
                let [protocol] = self.stream.array()?;
                if protocol > LAST_PROTOCOL {
                    Err(self.wrong(format!("protocol {protocol} of pickles")))
                } else {
                    Ok(())
                }
            }
            // The frame's length, of which the frame makes no use: all bytes are at hand.
            0x95 => self.stream.skip(8),
            b'i' | b'o' | 0x82..=0x84 | 0x97 | 0x98 => {
                let reason = format!("is refused: the instruction {opcode:#04x} in {}", self.stream.name());
                Err(Failure::broken(reason)
                    .note("torch.save writes none such, and torch.load with `weights_only` refuses it"))
            }
            _ => Err(self.wrong(format!("no instruction is {opcode:#04x}"))),
        }
    }

    fn wrong(&self, what: impl AsRef<str>) -> Failure {
        self.stream.wrong(what)
    }

    fn push(&mut self, value: Value) -> Result<()> {
        let id = self.heap.add(value)?;
        self.stack.push(id);
        Ok(())
    }

    /// The lowest place of the stack that may be taken now: what lies under a mark is out of reach.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id> {
        let reachable = self.stack.get(self.floor()..).unwrap_or_default();
        reachable.last().copied().ok_or_else(|| self.wrong("an instruction lacks its value"))
    }

    fn pop(&mut self) -> Result<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn mark(&mut self) -> Result<()> {
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn drop_top(&mut self) -> Result<()> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    /// All above the last mark, which goes too.
    fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        let place = self.marks.pop().ok_or_else(|| self.wrong("an instruction lacks its mark"))?;
        Ok(self.stack.split_off(place.min(self.stack.len())))
    }

    fn collected(&mut self, of: impl Fn(Vec<Id>) -> Value) -> Result<()> {
        let items = self.pop_to_mark()?;
        self.push(of(items))
    }

    fn tuple(&mut self, count: usize) -> Result<()> {
        let place = self.stack.len().checked_sub(count).filter(|&place| place >= self.floor());
        let place = place.ok_or_else(|| self.wrong("a tuple lacks its values"))?;
        let items = self.stack.split_off(place);
        self.push(Value::Tuple(items))
    }

    fn append(&mut self, items: &[Id]) -> Result<()> {
        let list = self.top()?;
        match self.heap.get_mut(list) {
            Some(Value::List(list)) => list.extend_from_slice(items),
            // Of a class that behaves as a list, which is not kept.
            Some(Value::Object(..) | Value::Call(_)) => {}
            _ => return Err(self.wrong(format!("{} takes no items", self.heap.kind(list)))),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<()> {
        let dict = self.top()?;
        match self.heap.get_mut(dict) {
            Some(Value::Dict(dict)) => dict.extend(pairs(items)),
            Some(Value::Object(..) | Value::Call(_)) => {}
            _ => return Err(self.wrong(format!("{} takes no entries", self.heap.kind(dict)))),
        }
        Ok(())
    }

    fn number_line(&mut self, opcode: u8) -> Result<()> {
        let line = self.stream.line(MOST_LINE)?;
        let value = match (opcode, line.trim_ascii()) {
            (b'I', b"00") => Value::Bool(false),
            (b'I', b"01") => Value::Bool(true),
            (b'F', float) if text::is_float(float) => Value::Number,
            (b'I' | b'L', whole) if text::is_int(whole) => text::int(whole).map_or(Value::Number, Value::Int),
            _ => return Err(self.wrong("a number is none")),
        };
        self.push(value)
    }

    /// A number of as many bytes as are said.
    fn long(&mut self, opcode: u8) -> Result<()> {
        let size = match opcode {
            0x8a => u64::from(self.stream.byte()?),
            _ => u64::from(u32::from_le_bytes(self.stream.array()?)),
        };
        if size > 8 {
            self.stream.skip(size)?;
            return self.push(Value::Number);
        }
        let bytes = self.stream.take(size)?;
        let fill = if bytes.last().is_some_and(|last| last & 0x80 != 0) { 0xff } else { 0 };
        let mut whole = [fill; 8];
        whole.iter_mut().zip(bytes).for_each(|(whole, byte)| *whole = *byte);
        self.push(Value::Int(i64::from_le_bytes(whole)))
    }

    fn text_line(&mut self, opcode: u8) -> Result<()> {
        let line = self.stream.line(MOST_TEXT_LINE)?;
        let text = match opcode {
            b'S' => text::quoted(&line),
            _ => text::unescaped(&line).map(String::into_bytes),
        };
        let text = text.ok_or_else(|| self.wrong("a text is none"))?;
        let id = self.heap.add_text(&text)?;
        self.stack.push(id);
        Ok(())
    }

    /// A text of as many bytes as are said, or other bytes.
    fn text(&mut self, opcode: u8) -> Result<()> {
        let size = match opcode {
            b'U' | b'C' | 0x8c => u64::from(self.stream.byte()?),
            b'T' | b'B' | b'X' => u64::from(u32::from_le_bytes(self.stream.array()?)),
            _ => u64::from_le_bytes(self.stream.array()?),
        };
        if size > MOST_KEPT || opcode == 0x96 {
            self.stream.skip(size)?;
            return self.push(Value::Bytes);
        }
        let text = self.stream.take(size)?;
        let id = self.heap.add_text(text)?;
        self.stack.push(id);
        Ok(())
    }

    fn memoize(&mut self, opcode: u8) -> Result<()> {
        let number = if opcode == 0x94 { self.memo.len() as u64 } else { self.memo_number(opcode)? };
        let top = self.top()?;
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Result<()> {
        let number = self.memo_number(opcode)?;
        let id = self.memo.get(&number).copied();
        let id = id.ok_or_else(|| self.wrong(format!("value {number} is used before it is made")))?;
        self.stack.push(id);
        Ok(())
    }

    fn memo_number(&mut self, opcode: u8) -> Result<u64> {
        match opcode {
            b'q' | b'h' => self.stream.byte().map(u64::from),
            b'r' | b'j' => self.stream.array().map(|bytes| u32::from_le_bytes(bytes).into()),
            _ => {
                let line = self.stream.line(MOST_LINE)?;
                let number = text::int(&line).and_then(|number| u64::try_from(number).ok());
                number.ok_or_else(|| self.wrong("a value has no number"))
            }
        }
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let id = self.heap.add_name(globals::path(module, name))?;
        if let Some(named) = self.heap.name(id).filter(|named| named.meaning == Meaning::Blocked) {
            return Err(calls::refused(&named.path, "use"));
        }
        self.stack.push(id);
        Ok(())
    }

    /// A call, or an object of a class.
    fn call(&mut self, opcode: u8) -> Result<()> {
        if opcode == 0x92 {
            // Arguments by name, which no class here takes.
            self.pop()?;
        }
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let is_class = opcode != b'R' && self.heap.name(callee).is_some_and(|named| named.meaning == Meaning::Unknown);
        let made = match is_class {
            true => calls::object(self.heap, callee),
            false => calls::call(self.heap, callee, arguments),
        };
        let id = made?;
        self.stack.push(id);
        Ok(())
    }

    fn persistent(&mut self, opcode: u8) -> Result<()> {
        let mut id = match opcode {
            b'Q' => self.pop()?,
            _ => self.printed_id()?,
        };
        let number = match self.heap.get(id) {
            Value::Int(number) => Some(*number),
            Value::Text(..) => self.heap.bytes(id).and_then(text::int),
            _ => None,
        };
        id = match number {
            Some(number) => {
                let given = self.given.get(&number).copied();
                given.ok_or_else(|| self.wrong(format!("it refers to {number}, which there is not")))?
            }
            None => calls::persistent(self.heap, id)?,
        };
        self.stack.push(id);
        Ok(())
    }

    /// The id that a line of protocol 0 has: a number, or a tuple as Python prints it.
    fn printed_id(&mut self) -> Result<Id> {
        let line = self.stream.line(MOST_TEXT_LINE)?;
        if let Some(number) = text::int(&line) {
            return self.heap.add(Value::Int(number));
        }
        let parts = text::printed_tuple(&String::from_utf8_lossy(&line));
        let parts = parts.ok_or_else(|| self.wrong("it refers to something by what is no name of a storage"))?;
        let ids = parts.into_iter().map(|part| match part {
            Part::Text(text) => self.heap.add_text(&text),
            Part::Int(number) => self.heap.add(Value::Int(number)),
            Part::Class(name) => self.heap.add_name(name),
            Part::Other => self.heap.add(Value::Nothing),
        });
        let ids = ids.collect::<Result<_>>()?;
        self.heap.add(Value::Tuple(ids))
    }
}

/// Keys and values in turns as pairs; one that is left over is no pair.
fn pairs(items: &[Id]) -> Vec<(Id, Id)> {
    items.as_chunks::<2>().0.iter().map(|&[key, value]| (key, value)).collect()
}
